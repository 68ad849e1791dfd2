#!/usr/bin/perl
### BEGIN INIT INFO
# Provides:          monitor
# Default-Start:     2 3 4 5
### END INIT INFO
use strict;
use warnings;
use POSIX qw(setsid);

my $pidfile = '/var/run/monitor.pid';
my $cmd = shift @ARGV || 'start';

if ($cmd eq 'start') {
    my $pid = fork() // die "fork: $!";
    if ($pid) {
        open my $f, '>', $pidfile or die $!;
        print {$f} "$pid\n";
        exit 0;
    }
    setsid();
    while (1) {
        my $out = `df -P /`;
        system('/usr/bin/logger', '-t', 'monitor', $out) if $out =~ /9\d%/;
        sleep 300;
    }
} elsif ($cmd eq 'stop') {
    open my $f, '<', $pidfile or exit 0;
    chomp(my $pid = <$f>);
    kill 'TERM', $pid;
    unlink $pidfile;
}
