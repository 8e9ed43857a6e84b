// Dashboards against Grafana's own types, their queries against Prometheus'
// own grammar: node dashboards.mjs FILE...
import fs from 'fs';
import Ajv from 'ajv';
import { parser } from '@prometheus-io/lezer-promql';

const ajv = new Ajv.default({ strict: false, allErrors: true });
const fits = ajv.compile(JSON.parse(fs.readFileSync('dash.schema.json')));
let wrong = 0;
let queries = 0;

for (const file of process.argv.slice(2)) {
  const board = JSON.parse(fs.readFileSync(file));
  if (!fits(board)) {
    wrong++;
    for (const e of fits.errors) console.error(`${file}: ${e.instancePath} ${e.message}`);
  }
  for (const panel of board.panels) {
    for (const target of panel.targets || []) {
      const query = target.expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.+');
      queries++;
      parser.parse(query).iterate({
        enter(node) {
          if (!node.type.isError) return;
          wrong++;
          console.error(`${file}: ${panel.title}: ${query}`);
        },
      });
    }
  }
}
console.log(process.argv.length - 2, 'dashboards', queries, 'queries', wrong, 'wrong');
process.exit(wrong ? 1 : 0);
