#!/bin/sh
### BEGIN INIT INFO
# Provides:             volatile
# Required-Start:       $local_fs
# Default-Start:        S
# Short-Description:  Populate the volatile filesystem
### END INIT INFO

ROOT_DIR="${ROOT_DIR%/}"
[ -e ${ROOT_DIR}/etc/default/rcS ] && . ${ROOT_DIR}/etc/default/rcS

CFGDIR="${ROOT_DIR}/etc/default/volatiles"
TMPROOT="${ROOT_DIR}/var/volatile/tmp"
COREDEF="00_core"

[ "${VERBOSE}" != "no" ] && echo "Populating volatile Filesystems."

create_file() {
	EXEC=""
	[ -z "$2" ] && {
		EXEC="touch \"$1\""
	} || {
		EXEC="cp \"$2\" \"$1\""
	}
	EXEC="${EXEC}; chown ${TUSER}:${TGROUP} $1; chmod ${TMODE} $1"
	test "$VOLATILE_ENABLE_CACHE" = yes && echo "$EXEC" >> /etc/volatile.cache.build
	[ -e "$1" ] || eval $EXEC
}

mk_dir() {
	EXEC="mkdir -p \"$1\"; chown ${TUSER}:${TGROUP} $1; chmod ${TMODE} $1"
	test "$VOLATILE_ENABLE_CACHE" = yes && echo "$EXEC" >> /etc/volatile.cache.build
	eval $EXEC
}

apply_cfgfile() {
	cat "$1" | grep -v "^[[:space:]]*#" | while read LINE; do
		eval $(echo "$LINE" | sed -n "s/\(.*\)\ \(.*\) \(.*\)\ \(.*\)\ \(.*\)\ \(.*\)/TTYPE=\1 ; TUSER=\2; TGROUP=\3; TMODE=\4; TNAME=\5 TLTARGET=\6/p")
		TNAME=${ROOT_DIR}${TNAME}
		case "${TTYPE}" in
		"f") create_file "${TNAME}" & ;;
		"d") mk_dir "${TNAME}" ;;
		"l") ln -sf "${TLTARGET}" "${TNAME}" ;;
		esac
	done
	return 0
}

if test -e ${ROOT_DIR}/etc/volatile.cache -a "$VOLATILE_ENABLE_CACHE" = "yes" -a "x$1" != "xupdate"; then
	sh ${ROOT_DIR}/etc/volatile.cache
else
	rm -f ${ROOT_DIR}/etc/volatile.cache ${ROOT_DIR}/etc/volatile.cache.build
	for file in $(ls -1 "${CFGDIR}" | sort); do
		apply_cfgfile "${CFGDIR}/${file}"
	done
	[ -e ${ROOT_DIR}/etc/volatile.cache.build ] && sync && mv ${ROOT_DIR}/etc/volatile.cache.build ${ROOT_DIR}/etc/volatile.cache
fi

if [ -z "${ROOT_DIR}" ] && [ -f /etc/ld.so.cache ] && [ ! -f /var/run/ld.so.cache ]; then
	ln -s /etc/ld.so.cache /var/run/ld.so.cache
fi
