# bash completion for reachd(8); `reachd print completion-bash`
_reachd()
{
	local cur prev words cword split command=
	_init_completion -s || return
	case ${words[1]} in reflect | print) [ "$cword" -eq 1 ] || command=${words[1]} ;; esac
	case $command:$prev in
	:--config.file) _filedir; return ;;
	:--web.listen-address) :; return ;;
	:--web.telemetry-path) :; return ;;
	:--web.config.file) _filedir; return ;;
	:--web.port-file) _filedir; return ;;
	:--log.level) COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
	:--log.format) COMPREPLY=($(compgen -W 'logfmt json' -- "$cur")); return ;;
	:--shard) :; return ;;
	reflect:--listen.udp) :; return ;;
	reflect:--listen.tcp) :; return ;;
	reflect:--listen.tls) :; return ;;
	reflect:--delay) :; return ;;
	reflect:--jitter) :; return ;;
	reflect:--loss) :; return ;;
	reflect:--duplicate) :; return ;;
	reflect:--reorder) :; return ;;
	reflect:--error) :; return ;;
	reflect:--seed) :; return ;;
	reflect:--tls.cert) _filedir; return ;;
	reflect:--tls.key) _filedir; return ;;
	esac
	"$split" && return
	words=
	if [[ $cur == -* ]]; then
	case $command in
	'') words='--config.file= --config.check --web.listen-address= --web.systemd-socket --web.telemetry-path= --web.enable-lifecycle --web.config.file= --web.port-file= --log.level= --log.format= --shard= --version --help' ;;
	'reflect') words='--listen.udp= --listen.tcp= --listen.tls= --delay= --jitter= --loss= --duplicate= --reorder= --error= --seed= --tls.cert= --tls.key= --tls.require-sni --print-ports --help' ;;
	'print') words='--help' ;;
	esac
	else
	case $command in
	'') words='reflect print' ;;
	'print') words='metrics options manual events mib capability words profile completion-bash completion-zsh completion-fish' ;;
	esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	[[ ${COMPREPLY-} == *= ]] && compopt -o nospace
	return 0
} && complete -F _reachd reachd
