"""A contact sheet: the panels of a dashboard where they stand in it, with what
their queries gave, for the eye. Only roughly what Grafana draws."""

import html
import math
import re

COLUMN, ROW, MARGIN = 44, 34, 4
COLORS = {"green": "#299c46", "red": "#d44a3a", "orange": "#e0752d", "yellow": "#e5b80b",
          "blue": "#3274d9"}


def color(name):
    return COLORS.get(name, name)


def number(v, unit):
    if unit == "bool_yes_no":
        return "Yes" if v else "No"
    if unit == "percentunit":
        return f"{100 * v:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (1, "s"), (1e-3, "ms")):
            if abs(v) >= size:
                return f"{v / size:.3g} {name}"
        return f"{v * 1e6:.3g} µs"
    if unit == "bytes":
        return f"{v / 2**20:.3g} MiB"
    return f"{v:.4g}"


class Box:
    """Where a panel stands, and the picture so far."""

    def __init__(self, panel, series):
        at = panel["gridPos"]
        self.x, self.y = at["x"] * COLUMN + MARGIN, at["y"] * ROW + MARGIN
        self.w, self.h = at["w"] * COLUMN - 2 * MARGIN, at["h"] * ROW - 2 * MARGIN
        self.panel, self.series, self.out = panel, series, []
        self.unit = panel["fieldConfig"]["defaults"]["unit"]
        self.rect(0, 0, self.w, self.h, "none", stroke="#bbb")
        self.text(6, 14, panel["title"], weight="bold")

    def rect(self, x, y, w, h, fill, stroke="none"):
        self.out.append(f'<rect x="{self.x + x:.1f}" y="{self.y + y:.1f}" width="{max(w, 0.5):.1f}" '
                        f'height="{h:.1f}" fill="{fill}" stroke="{stroke}"/>')

    def text(self, x, y, text, fill="#222", size=11, weight="normal", width=None):
        room = int((width or self.w - x) / (size * 0.56))
        text = text if len(text) <= room else text[:max(room - 1, 1)] + "…"
        self.out.append(f'<text x="{self.x + x:.1f}" y="{self.y + y:.1f}" fill="{fill}" '
                        f'font-size="{size}" font-weight="{weight}">{html.escape(text)}</text>')

    def times(self):
        every = [t for _, points in self.series for t, _ in points]
        return min(every), max(max(every) - min(every), 1)


def legend(target, metric):
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m[1], ""), target["legendFormat"]).strip()


def stat(box):
    steps = box.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    plain = box.panel["options"]["colorMode"] == "none"
    wide = (box.w - 8) / len(box.series)
    for i, (name, points) in enumerate(box.series):
        last = points[-1][1]
        fill = next(color(s["color"]) for s in reversed(steps)
                    if last >= s["value"])
        box.rect(4 + i * wide, 22, wide - 3, box.h - 26, "#eef" if plain else fill)
        ink = "#222" if plain else "#fff"
        box.text(10 + i * wide, 22 + (box.h - 26) * 0.55, number(last, box.unit), ink, 24)
        box.text(10 + i * wide, box.h - 12, name, ink, 10, width=wide - 16)


def lines(box):
    low = min([v for _, points in box.series for _, v in points])
    top = max([v for _, points in box.series for _, v in points])
    first, span = box.times()
    names = min(len(box.series), 4)
    bottom, high = box.h - 8 - 12 * names, box.h - 40 - 12 * names
    for k, (name, points) in enumerate(box.series):
        ink = f"hsl({k * 67 % 360},70%,42%)"
        path = " ".join(
            f"{box.x + 8 + (t - first) / span * (box.w - 16):.1f},"
            f"{box.y + bottom - (v - low) / ((top - low) or 1) * high:.1f}" for t, v in points)
        if len(points) == 1:
            path += " " + path
        box.out.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="1.5"/>')
        if k < names:
            more = f" and {len(box.series) - names} more" if k == names - 1 < len(box.series) - 1 else ""
            box.text(8, bottom + 14 + 12 * k, f"{name}: {number(points[-1][1], box.unit)}{more}", ink, 10)
    box.text(8, 26, f"{number(low, box.unit)} to {number(top, box.unit)}", "#777", 9)


def timeline(box):
    words = {int(n): w for m in box.panel["fieldConfig"]["defaults"]["mappings"]
             for n, w in m["options"].items()}
    first, span = box.times()
    high = min((box.h - 28) / len(box.series), 26)
    left = box.w * 0.25
    for i, (name, points) in enumerate(box.series):
        box.text(6, 24 + (i + 0.7) * high, name, size=10, width=left - 8)
        for (t, v), after in zip(points, [t for t, _ in points[1:]] + [first + span]):
            box.rect(left + (t - first) / span * (box.w - left - 6), 22 + i * high,
                     (after - t) / span * (box.w - left - 6), high - 3, color(words[v]["color"]))
        box.text(left + 6, 24 + (i + 0.7) * high, words[points[-1][1]]["text"], "#fff", 10)


def table(box):
    hidden = box.panel["transformations"][0]["options"]["excludeByName"]
    for i, (name, points) in enumerate(box.series[:int((box.h - 24) / 14)]):
        box.text(8, 34 + 14 * i, name, size=10, width=box.w - 80)
        if not hidden.get("Value"):
            box.text(box.w - 66, 34 + 14 * i, number(points[-1][1], box.unit), size=10)


def heatmap(box, cells):
    """cells: (time, upper bound, count) of one step."""
    times = sorted({t for t, _, _ in cells})
    bounds = sorted({b for _, b, _ in cells})
    most = max(c for _, _, c in cells) or 1
    wide, high = (box.w - 60) / len(times), (box.h - 32) / len(bounds)
    for t, b, count in cells:
        box.rect(52 + times.index(t) * wide, 24 + (len(bounds) - 1 - bounds.index(b)) * high,
                 wide, high, f"hsl({240 - 200 * math.sqrt(count / most):.0f},70%,55%)" if count else "#f4f4f4")
    for i in range(0, len(bounds), max(len(bounds) // 6, 1)):
        box.text(4, 24 + (len(bounds) - i) * high - 2, number(bounds[i], "s"), "#777", 9)


def cells_of(results):
    """Of native histograms their own buckets, of classic ones the differences."""
    cells = []
    for r in results:
        for t, h in r.get("histograms", []):
            cells += [(t, float(b[2]), float(b[3])) for b in h.get("buckets", [])]
    if cells:
        return cells
    by_time = {}
    for r in results:
        for t, v in r["values"]:
            by_time.setdefault(t, []).append((float(r["metric"]["le"]), float(v)))
    for t, buckets in by_time.items():
        below = 0
        for le, count in sorted(buckets):
            if math.isfinite(le):
                cells.append((t, le, max(count - below, 0)))
            below = count
    return cells


KINDS = {"stat": stat, "timeseries": lines, "state-timeline": timeline, "table": table}


def draw(board, results, path):
    """results: what the queries of a panel gave, by the panel's number."""
    out, bottom = [], 0
    for p in board["panels"]:
        at = p["gridPos"]
        bottom = max(bottom, (at["y"] + at["h"]) * ROW)
        if p["type"] == "row":
            out.append(f'<text x="6" y="{at["y"] * ROW + 22}" font-size="15" '
                       f'font-weight="bold">{html.escape(p["title"])}</text>')
            continue
        series = [(legend(t, r["metric"]), points)
                  for t, found in zip(p["targets"], results[p["id"]]) for r in found
                  if (points := [(float(a), float(b)) for a, b in r.get("values", [])
                                 if b not in ("NaN", "+Inf", "-Inf")])]
        box = Box(p, series)
        if p["type"] == "heatmap":
            heatmap(box, cells_of([r for found in results[p["id"]] for r in found]))
        else:
            assert series, (p["title"], "nothing to draw")
            KINDS[p["type"]](box)
        out += box.out
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 * COLUMN}" height="{bottom + 8}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>'
        + "\n".join(out) + "</svg>\n")
