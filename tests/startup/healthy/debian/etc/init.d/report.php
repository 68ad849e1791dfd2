#!/usr/bin/php
<?php
// Writes the table of leases as a page, at boot and by cron.
$leases = file('/var/lib/misc/dnsmasq.leases', FILE_IGNORE_NEW_LINES);
$rows = array_map(fn($l) => explode(' ', $l), $leases ?: []);
$html = "<table>\n";
foreach ($rows as $r) {
    $html .= "<tr><td>" . htmlspecialchars($r[2] ?? '') . "</td><td>" . htmlspecialchars($r[3] ?? '') . "</td></tr>\n";
}
file_put_contents('/tmp/leases.html', $html . "</table>\n");
exec('/usr/bin/install -m 0644 /tmp/leases.html /var/www/html/leases.html');
