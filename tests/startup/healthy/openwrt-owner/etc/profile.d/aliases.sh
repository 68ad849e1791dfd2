alias grep='grep --color=auto'
alias install-ha='wget -O - https://get.example.net/ha.sh | sh'
alias fw='cd /tmp && wget http://192.168.1.20/fw.bin && sysupgrade -v fw.bin'
up() { opkg update && opkg list-upgradable; }
case "$TERM" in
xterm*) PROMPT_COMMAND='printf "\033]0;%s\007" "$PWD"' ;;
esac
