# Tells who still types opkg what to type.
opkg() {
	cat <<'EOF'
This system has apk instead of opkg:
  opkg update       apk update
  opkg install PKG  apk add PKG
  opkg remove PKG   apk del PKG
  opkg files PKG    apk info -L PKG
EOF
	return 127
}
[ -x /bin/opkg ] && unset -f opkg
