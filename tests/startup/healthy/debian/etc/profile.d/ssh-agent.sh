# One agent for all sessions.
SSH_ENV="$HOME/.ssh/agent.env"

_start_agent() {
    (umask 077; ssh-agent -s > "$SSH_ENV")
    . "$SSH_ENV" > /dev/null
}

if [ -f "$SSH_ENV" ]; then
    . "$SSH_ENV" > /dev/null
    kill -0 "$SSH_AGENT_PID" 2>/dev/null || _start_agent
else
    [ -t 0 ] && _start_agent
fi
unset -f _start_agent
