if command -v kubectl >/dev/null 2>&1 && [ -n "${BASH_VERSION-}" ]; then
    source <(kubectl completion bash)
    complete -o default -F __start_kubectl k
fi
command -v direnv >/dev/null && eval "$(direnv hook bash)"
eval "$(dircolors -b)"
[ -x /usr/bin/lesspipe ] && eval "$(SHELL=/bin/sh lesspipe)"
export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
