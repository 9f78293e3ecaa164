# Rules as Net::SMPP sees them, in its asynchronous way and in the one of its manual, which waits within the call.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../net-smpp";
use File::Temp qw(tempdir);
use IO::Select;
use Time::HiRes qw(time);

use Esme;
use Net::SMPP;

# A status that nothing else gives.
my $VENDOR = 0x0455;
my $dir = tempdir(CLEANUP => 1);
my ($files, %children) = (0);

my @cases;
sub case { my ($name, $run) = @_; push @cases, [ $name, $run ] }

sub equal {
    my ($got, $wanted, $what) = @_;
    $what //= 'value';
    ($got, $wanted) = map { ref $_ ? join(', ', map { $_ // 'undef' } @$_) : $_ } $got, $wanted;
    die "$what is '" . ($got // 'undef') . "', not '$wanted'\n" unless defined $got && $got eq $wanted;
}

# Starts a simulator with these rules, as TOML; its port.
sub ruled {
    my @rules = @_;
    my $file = "$dir/" . ++$files . '.toml';
    open(my $out, '>', $file) or die "$file: $!\n";
    print $out qq(seed = 42\n[[smsc]]\nlisten = ["127.0.0.1:0"]\nreceipt_delay = "100ms"\n);
    print $out "[[smsc.rule]]\n$_\n" for @rules;
    close $out;
    my @command = ($ENV{SMPPKIT}, 'simulator', '--config', $file);
    my $pid = open(my $said, '-|', 'sh', '-c', 'exec "$0" "$@" 2>/dev/null', @command) or die "cannot start it: $!\n";
    $children{$pid} = $said;
    IO::Select->new($said)->can_read($Esme::PATIENCE) or die "the simulator said nothing\n";
    my $line = <$said> // '';
    my ($port) = $line =~ /^listening on \S+:(\d+)/ or die "the simulator said $line\n";
    return $port;
}

sub end_simulators {
    for my $pid (keys %children) {
        kill 'KILL', $pid;
        close delete $children{$pid};    # waits for it
    }
    $? = 0;
}

# Another case for each request: the status of its response.
my %requests = (
    submit_sm    => [ destination_addr => '2', short_message => 'hello' ],
    submit_multi => [ dest_flag => [1], destination_addr => ['2'], short_message => 'hello' ],
    data_sm      => [ destination_addr => '2', message_payload => 'hello' ],
    query_sm     => [ message_id => '1' ],
    cancel_sm    => [ message_id => '1', destination_addr => '2' ],
    replace_sm   => [ message_id => '1', short_message => 'other' ],
    enquire_link => [],
    unbind       => [],
);
for my $command (sort keys %requests) {
    case "status_of_${command}_resp_is_what_the_rule_says" => sub {
        my $esme = Esme->bound(ruled(qq(on = "$command"\nthen = { status = $VENDOR })));
        my $resp = $esme->request($command, @{ $requests{$command} });
        # Of submit_multi it is each destination's own.
        my $status = $resp->{status} || ($resp->{error_status_code} // [])->[0];
        equal($status, $VENDOR, 'command_status');
    };
}

case status_of_each_bind_resp_is_what_the_rule_says => sub {
    my $port = ruled(qq(on = "bind_*"\nthen = { status = "ESME_RINVSYSID" }));
    for my $mode (qw(transmitter receiver transceiver)) {
        my $esme = Esme->connect($port);
        equal($esme->request("bind_$mode")->{status}, 0x0F, "status of bind_$mode");
    }
};

case the_synchronous_way_gets_the_status_of_a_rule => sub {
    my $port = ruled(qq(when = { text = "/^bad/" }\nthen = { status = "ESME_RTHROTTLED" }));
    my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $port, system_id => 'app', password => 'x');
    equal($resp->{status}, 0);
    equal($smpp->submit_sm(destination_addr => '2', short_message => 'bad thing')->{status}, 0x58);
    equal($smpp->submit_sm(destination_addr => '2', short_message => 'good thing')->{status}, 0);
};

case an_answer_that_is_late_holds_the_synchronous_way_up => sub {
    my $port = ruled(qq(then = { answer_after = "300ms..600ms" }));
    my ($smpp) = Net::SMPP->new_transceiver('127.0.0.1', port => $port, system_id => 'app', password => 'x');
    my $began = time;
    equal($smpp->submit_sm(destination_addr => '2', short_message => 'hello')->{status}, 0);
    my $took = time - $began;
    die "it took $took s\n" if $took < 0.29 || $took > 2;
};

case two_answers_have_the_same_id => sub {
    my $esme = Esme->bound(ruled(qq(then = { answer = "twice" })));
    my $smpp = $esme->{smpp};
    my $seq = $smpp->submit_sm(destination_addr => '2', short_message => 'hello');
    my ($one, $two) = map { $smpp->read_pdu } 1 .. 2;
    equal([ @$one{qw(seq message_id)} ], [ $seq, $two->{message_id} ]);
    equal($two->{seq}, $seq);
};

case a_wrong_sequence_and_generic_nack_are_seen => sub {
    my $esme = Esme->bound(ruled(
        qq(when = { destination_addr = "1" }\nthen = { answer = "wrong-sequence" }),
        qq(then = { answer = "nack", status = "ESME_RINVCMDID" })));
    my $smpp = $esme->{smpp};
    my $seq = $smpp->submit_sm(destination_addr => '1', short_message => 'hello');
    my $pdu = $smpp->read_pdu;
    equal([ $pdu->{cmd}, $pdu->{seq} >> 24 ], [ 0x80000004, 0x7F ]);
    $seq = $smpp->submit_sm(destination_addr => '2', short_message => 'hello');
    $pdu = $smpp->read_pdu;
    equal([ @$pdu{qw(cmd seq status)} ], [ 0x80000000, $seq, 3 ]);
};

case an_answer_in_seven_octets_is_read_whole => sub {
    my $esme = Esme->bound(ruled(qq(on = "bind_*"\nthen = { segments = { octets = 7, pause = "1ms" } })));
    my %ids = map { $esme->submit(registered_delivery => 1) => 1 } 1 .. 5;
    $ids{ Esme::read_receipt($_)->{id} } += 1 for $esme->take_delivered(5);
    equal([ values %ids ], [ (2) x 5 ]);
};

case a_connection_that_is_closed_ends_after_the_answer => sub {
    my $esme = Esme->bound(ruled(qq(then = { connection = "close" })));
    equal($esme->submit_resp->{status}, 0);
    $esme->read_end;
};

case a_connection_that_is_unbound_gets_unbind_after_the_answer => sub {
    my $esme = Esme->bound(ruled(qq(then = { connection = "unbind" })));
    equal($esme->submit_resp->{status}, 0);
    $esme->read_until(sub { $esme->{unbinds} }, 'unbind');
    $esme->read_end;
};

case states_and_errors_are_in_receipts => sub {
    my @states = ([ 'UNDELIVERABLE', 'UNDELIV', 5 ], [ 'REJECTED', 'REJECTD', 8 ], [ 'EXPIRED', 'EXPIRED', 3 ]);
    my $esme = Esme->bound(ruled(map {
        my ($state, undef, $number) = @$_;
        qq(when = { destination_addr = "$number" }\nthen = { state = "$state", error_code = 10$number })
    } @states));
    for (@states) {
        my ($state, $stat, $number) = @$_;
        my $id = $esme->submit(destination_addr => $number, registered_delivery => 1);
        my ($receipt) = $esme->take_delivered;
        my $fields = Esme::read_receipt($receipt);
        equal([ @$fields{qw(id stat err)}, ord $receipt->{message_state} ], [ $id, $stat, "10$number", $number ]);
        my $query = $esme->request('query_sm', message_id => $id);
        equal([ @$query{qw(message_state error_code)} ], [ $number, "10$number" ]);
    }
};

case a_script_with_a_memory_counts_messages => sub {
    my $esme = Esme->bound(ruled(<<'TOML'));
then.script = """
fn decide(pdu, memory) {
    memory.seen = (memory.seen ?? 0) + 1;
    if memory.seen > 2 { #{ status: "ESME_RMSGQFUL" } } else { #{} }
}
"""
TOML
    equal([ map { $esme->submit_resp->{status} } 1 .. 4 ], [ 0, 0, 0x14, 0x14 ]);
};

case a_rule_for_deliver_sm_drops_and_doubles => sub {
    my $esme = Esme->bound(ruled(
        qq(on = "deliver_sm"\nwhen = { source_addr = "1" }\nthen = { answer = "none" }),
        qq(on = "deliver_sm"\nwhen = { source_addr = "2" }\nthen = { answer = "twice" })));
    my @ids = map { $esme->submit(destination_addr => $_, registered_delivery => 1) } 1 .. 3;
    my @came = map { Esme::read_receipt($_)->{id} } $esme->take_delivered(3);
    equal(\@came, [ @ids[ 1, 1, 2 ] ]);
    $esme->silence(0.3);
};

my ($passed, $failed, @wanted) = (0, 0, @ARGV);
$SIG{TERM} = sub { end_simulators(); exit 1 };
$| = 1;
for (@cases) {
    my ($name, $run) = @$_;
    next if @wanted && !grep { index($name, $_) >= 0 } @wanted;
    if (eval { $run->(); 1 }) { print "ok $name\n"; $passed += 1 }
    else { print "not ok $name: ", $@ =~ s/\s*\n/ /gr, "\n"; $failed += 1 }
    end_simulators();
}
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);
