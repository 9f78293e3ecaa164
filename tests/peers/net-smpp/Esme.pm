# The simulator as a child process, and an ESME made of Net::SMPP, which leaves waiting to its user.
package Esme;

use strict;
use warnings;
use IO::Select;
use Net::SMPP;
use Time::HiRes qw(time);

our $PATIENCE = 10;

my (%children, %pid_at);

# Starts a simulator; returns its port.
sub simulator {
    my @options = @_;
    unshift @options, '--receipt-delay', '200ms' unless grep { $_ eq '--receipt-delay' } @options;
    my @command = ($ENV{SMPPKIT}, 'simulator', '--quiet', '--listen', '127.0.0.1:0', @options);
    # Refused binds are warnings in its log, and many tests are about just that.
    my $pid = open(my $out, '-|', 'sh', '-c', 'exec "$0" "$@" 2>/dev/null', @command) or die "cannot start it: $!\n";
    $children{$pid} = $out;
    IO::Select->new($out)->can_read($PATIENCE) or die "the simulator said nothing\n";
    my $line = <$out> // '';
    my ($port) = $line =~ /^listening on \S+:(\d+)$/ or die "the simulator said $line\n";
    $pid_at{$port} = $pid;
    return $port;
}

# Ends all simulators, by their ids.
sub end_simulators {
    for my $pid (keys %children) {
        kill 'KILL', $pid;
        close delete $children{$pid};    # waits for it
    }
    $? = 0;
}

# Asks a simulator to end.
sub terminate { my ($port) = @_; kill 'TERM', $pid_at{$port} }

# The exit code of a simulator that is to end by itself.
sub exit_code {
    my ($port) = @_;
    close delete $children{ $pid_at{$port} };
    my $code = $? >> 8;
    $? = 0;
    return $code;
}

# Connects; not bound.
sub connect {
    my ($class, $port, %fields) = @_;
    my $smpp = Net::SMPP->new_connect(
        '127.0.0.1',
        port => $port, system_id => 'app', password => 'secret', async => 1,
        source_addr_ton => 1, source_addr_npi => 1, source_addr => '1000',
        dest_addr_ton => 1, dest_addr_npi => 1, %fields,
    ) or die "no connection: $!\n";
    return bless { smpp => $smpp, answers => {}, delivered => [], alerts => [], enquiries => 0 }, $class;
}

# Connects and binds as receiver, transmitter or transceiver.
sub bound {
    my ($class, $port, $mode, %fields) = @_;
    my $esme = $class->connect($port, %fields);
    $esme->{bind_resp} = $esme->request('bind_' . ($mode // 'transceiver'));
    die "bind refused: $esme->{bind_resp}{status}\n" if $esme->{bind_resp}{status};
    return $esme;
}

# Sends a request; returns its response, whatever the status.
sub request {
    my ($esme, $command, @fields) = @_;
    my $seq = $esme->{smpp}->$command(@fields);
    $esme->read_until(sub { $esme->{answers}{$seq} }, "the answer to $command");
    return delete $esme->{answers}{$seq};
}

# submit_sm; returns the message_id.
sub submit {
    my ($esme, %fields) = @_;
    my $resp = $esme->submit_resp(%fields);
    die "submit_sm_resp has status $resp->{status}\n" if $resp->{status};
    return $resp->{message_id};
}

sub submit_resp {
    my ($esme, %fields) = @_;
    %fields = (destination_addr => '447700900123', short_message => 'hello', %fields);
    return $esme->request('submit_sm', %fields);
}

# The message_state that query_sm gives.
sub state {
    my ($esme, $message_id) = @_;
    return $esme->request('query_sm', message_id => $message_id)->{message_state};
}

# Waits for so many deliver_sm, and takes them.
sub take_delivered {
    my ($esme, $count) = @_;
    $count //= 1;
    $esme->read_until(sub { @{ $esme->{delivered} } >= $count }, "$count deliver_sm");
    return splice @{ $esme->{delivered} }, 0, $count;
}

# Fails when a deliver_sm comes within that time.
sub silence {
    my ($esme, $seconds) = @_;
    my $until = time + $seconds;
    while ((my $left = $until - time) > 0) { $esme->read_one($left) }
    die "an unexpected deliver_sm: $esme->{delivered}[0]{short_message}\n" if @{ $esme->{delivered} };
}

sub read_until {
    my ($esme, $holds, $what) = @_;
    my $until = time + $PATIENCE;
    until ($holds->()) {
        die "waited $PATIENCE s for $what\n" if time > $until;
        $esme->read_one(1);
    }
}

# Reads a PDU, if one comes within that time.
sub read_one {
    my ($esme, $seconds) = @_;
    IO::Select->new($esme->{smpp})->can_read($seconds) or return;
    my $pdu = $esme->{smpp}->read_pdu // die "the connection ended\n";
    my ($smpp, %seq) = ($esme->{smpp}, seq => $pdu->{seq});
    my $name = Net::SMPP::pdu_tab->{ $pdu->{cmd} }{cmd};
    if ($pdu->{cmd} & 0x80000000) { $esme->{answers}{ $pdu->{seq} } = $pdu }
    elsif ($name eq 'alert_notification') { push @{ $esme->{alerts} }, $pdu }
    elsif ($name eq 'deliver_sm') {
        push @{ $esme->{delivered} }, $pdu;
        $smpp->deliver_sm_resp(%seq, message_id => '');
    }
    elsif ($name eq 'enquire_link') { $esme->{enquiries} += 1; $smpp->enquire_link_resp(%seq) }
    elsif ($name eq 'unbind') { $esme->{unbinds} += 1; $smpp->unbind_resp(%seq) }
    else { die "an unexpected $name\n" }
}

# Waits until the simulator closes the connection.
sub read_end {
    my ($esme) = @_;
    IO::Select->new($esme->{smpp})->can_read($PATIENCE) or die "the connection did not end\n";
    my $count = $esme->{smpp}->sysread(my $octets, 1);
    die "octets came where the connection should have ended\n" if $count;
}

# The fields of a receipt's text, by name.
sub read_receipt {
    my ($pdu) = @_;
    my $text = $pdu->{short_message};
    my $form = qr/^id:(\S+) sub:(\d{3}) dlvrd:(\d{3}) submit date:\d{10} done date:\d{10} /;
    $text =~ /$form stat:([A-Z]{7}) [ ] err:(\d{3}) [ ] text:(.{0,20})$/xis
        or die "not the text of a receipt: $text\n";
    return { id => $1, sub => $2, dlvrd => $3, stat => $4, err => $5, text => $6 };
}

1;
