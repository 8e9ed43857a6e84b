#compdef reachd
# zsh completion for reachd(8); `reachd print completion-zsh`
if (( CURRENT > 2 )); then
	case ${words[2]} in
	reflect)
	shift words; (( CURRENT-- ))
	_arguments -S \
		'*--listen.udp=[answer over UDP there]:ADDRESS\:PORT: ' \
		'*--listen.tcp=[answer over TCP there]:ADDRESS\:PORT: ' \
		'*--listen.tls=[answer over TLS there]:ADDRESS\:PORT: ' \
		'*--delay=[answer so much later]:DURATION: ' \
		'*--jitter=[give or take so much, evenly]:DURATION: ' \
		'*--loss=[leave out that share of answers]:PERCENT: ' \
		'*--duplicate=[answer that share twice]:PERCENT: ' \
		'*--reorder=[hold that share back by 30 ms]:PERCENT: ' \
		'*--error=[answer with that STUN error code]:CODE: ' \
		'*--seed=[make the dice repeatable]:NUMBER: ' \
		'*--tls.cert=[certificate chain]:file:_files' \
		'*--tls.key=[its key]:file:_files' \
		'*--tls.require-sni[refuse a handshake without a server name]' \
		'*--print-ports[print a line per listener once it listens]' \
		'(- *)--help[print this and exit]'
	return ;;
	print)
	shift words; (( CURRENT-- ))
	_arguments -S \
		'(- *)--help[print this and exit]' \
		'1:what:(metrics options manual events mib capability words profile completion-bash completion-zsh completion-fish)'
	return ;;
	esac
fi
	_arguments -S \
		'*--config.file=[configuration file]:file:_files' \
		'*--config.check[check the file, say what it costs, and exit]' \
		'*--web.listen-address=[where to listen; may be repeated]:ADDRESS: ' \
		'*--web.systemd-socket[serve on the sockets that the service manager listens on]' \
		'*--web.telemetry-path=[path of the metrics]:PATH: ' \
		'*--web.enable-lifecycle[allow reload and probe by HTTP request]' \
		'*--web.config.file=[TLS, users and limits, in the format of Prometheus'\'' exporters]:file:_files' \
		'*--web.port-file=[write the ports that were bound, a line each, once it listens]:file:_files' \
		'*--log.level=[from which level on]:word:(debug info warn error)' \
		'*--log.format=[how lines look on standard error]:word:(logfmt json)' \
		'*--shard=[probe part I]:I/N: ' \
		'*--version[print the version and exit]' \
		'(- *)--help[print this and exit]' \
		'1:what:(reflect print)'
