#!/usr/bin/perl
# Two TUN devices of which each gets what the other sends, later: a slow line. Ends when its standard input does.
#
# Usage: delay-line.pl NAME NAME MILLISECONDS
use strict;
use warnings;
use Fcntl;
use Time::HiRes qw(time);

my ($left, $right, $milliseconds) = @ARGV;
die "expected NAME NAME MILLISECONDS\n" unless defined $milliseconds && $milliseconds =~ /^\d+$/;

# IFF_TUN | IFF_NO_PI, by TUNSETIFF: the device lives as long as this handle, in whatever network namespace.
sub tun {
    my ($name) = @_;
    sysopen(my $handle, '/dev/net/tun', O_RDWR) or die "/dev/net/tun: $!\n";
    my $request = pack('a16 S x22', $name, 0x1001);
    ioctl($handle, 0x400454ca, $request) or die "$name: $!\n";
    return $handle;
}

my @ends = (tun($left), tun($right));
# Packets under way: [when it arrives, at which end, its bytes].
my @under_way;
$| = 1;
print "ready\n";

while (1) {
    my $wanted = '';
    vec($wanted, fileno($_), 1) = 1 for @ends, \*STDIN;
    my $wait = @under_way ? $under_way[0][0] - time : undef;
    $wait = 0 if defined $wait && $wait < 0;
    select($wanted, undef, undef, $wait);
    last if vec($wanted, fileno(STDIN), 1) && !sysread(STDIN, my $rest, 1);
    for my $end (0, 1) {
        next unless vec($wanted, fileno($ends[$end]), 1);
        my $bytes;
        push @under_way, [time + $milliseconds / 1000, 1 - $end, $bytes] if sysread($ends[$end], $bytes, 65536);
    }
    while (@under_way && $under_way[0][0] <= time) {
        my (undef, $end, $bytes) = @{shift @under_way};
        # A device that is down takes nothing: the packet is lost.
        syswrite($ends[$end], $bytes);
    }
}
