# What Net::SMPP must find at the simulator. It speaks 3.4, and an unpublished 4.0 that nobody else does.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX qw(strftime);
use Time::HiRes qw(time);

use Esme;
use Net::SMPP;

my ($RECEIPT, $INTERMEDIATE) = (Net::SMPP::ESM_type_delivery_receipt, Net::SMPP::ESM_type_intermed_deliv_notif);
my ($ENROUTE, $DELIVERED, $EXPIRED, $DELETED) = map { Net::SMPP->can("MSGSTATE_$_")->() }
    qw(enroute delivered expired deleted);
my $LATER = '000001000000000R';

my @cases;
sub case { my ($name, $run) = @_; push @cases, [ $name, $run ] }

sub equal {
    my ($got, $wanted, $what) = @_;
    $what //= 'value';
    ($got, $wanted) = map { ref $_ ? join(', ', @$_) : $_ } $got, $wanted;
    die "$what is '" . ($got // 'undef') . "', not '$wanted'\n" unless defined $got && $got eq $wanted;
}

# A status by its name, as Net::SMPP calls it.
sub status { my ($pdu, $name) = @_; equal(Net::SMPP::status_code->{ $pdu->{status} }{code}, $name, 'command_status') }

case each_bind_mode_is_accepted => sub {
    my $port = Esme::simulator('--system-id', 'centre');
    for my $mode (qw(receiver transmitter transceiver)) {
        my $esme = Esme->bound($port, $mode);
        equal($esme->{bind_resp}{system_id}, 'centre');
        equal($esme->{bind_resp}{sc_interface_version}, "\x50");
    }
};

case wrong_password_and_unknown_id_get_the_same_esme_rbindfail => sub {
    my $port = Esme::simulator('--account', 'app:secret');
    for my $wrong ([ password => 'wrong' ], [ password => '' ], [ system_id => 'nobody' ]) {
        my $esme = Esme->connect($port, @$wrong);
        status($esme->request('bind_transceiver'), 'ESME_RBINDFAIL');
    }
    Esme->bound($port);
};

case texts_in_each_alphabet_and_with_udh_are_accepted => sub {
    my $esme = Esme->bound(Esme::simulator());
    my %ids = map { $_ => 1 } (
        $esme->submit(short_message => "GSM \x1b\x65"),
        $esme->submit(short_message => "\x4e\x16\x75\x4c", data_coding => 8),
        $esme->submit(short_message => "\xe4", data_coding => 3),
        $esme->submit(short_message => "\x05\0\x03\x2a\x02\x01" . 'a' x 153, esm_class => 0x40),
        $esme->submit(short_message => "\x05\0\x03\x2a\x02\x02b", esm_class => 0x40),
        $esme->submit(short_message => '', message_payload => 'p' x 1000),
    );
    equal(scalar keys %ids, 6, 'number of different ids');
};

case a_receipt_has_the_id_in_tlv_and_text_swapped_addresses_and_delivrd => sub {
    my $esme = Esme->bound(Esme::simulator());
    my $id = $esme->submit(registered_delivery => 1, user_message_reference => "\x12\x34");
    my ($receipt) = $esme->take_delivered;
    equal($receipt->{esm_class}, $RECEIPT, 'esm_class');
    equal([ @$receipt{qw(source_addr_ton source_addr_npi source_addr)} ], [ 1, 1, '447700900123' ]);
    equal([ @$receipt{qw(dest_addr_ton dest_addr_npi destination_addr)} ], [ 1, 1, '1000' ]);
    # Net::SMPP gives TLVs as they are, with the NUL.
    equal($receipt->{receipted_message_id}, "$id\0");
    equal(ord $receipt->{message_state}, $DELIVERED);
    equal($receipt->{user_message_reference}, "\x12\x34");
    my $text = Esme::read_receipt($receipt);
    equal([ @$text{qw(id sub dlvrd stat err text)} ], [ $id, '001', '001', 'DELIVRD', '000', 'hello' ]);
};

case registered_delivery_decides_which_receipts_come => sub {
    my $esme = Esme->bound(Esme::simulator());
    my %asked = map { $esme->submit(registered_delivery => $_) => $_ } 0, 1, 2, 16, 17;
    my %came;
    for my $receipt ($esme->take_delivered(4)) {
        my $state = ord $receipt->{message_state};
        equal($receipt->{esm_class}, $state == $DELIVERED ? $RECEIPT : $INTERMEDIATE, 'esm_class');
        push @{ $came{ $asked{ Esme::read_receipt($receipt)->{id} } } }, $state;
    }
    my %wanted = (1 => [$DELIVERED], 16 => [$ENROUTE], 17 => [ $ENROUTE, $DELIVERED ]);
    equal($came{$_} // [], $wanted{$_} // [], "what came for $_") for 0, 1, 2, 16, 17;
    $esme->silence(0.3);
};

case receipts_go_to_a_receiver_of_the_account => sub {
    my $port = Esme::simulator();
    my ($transmitter, $receiver) = map { Esme->bound($port, $_) } qw(transmitter receiver);
    my $id = $transmitter->submit(registered_delivery => 1);
    equal(Esme::read_receipt($receiver->take_delivered)->{id}, $id);
};

case messages_to_the_own_system_id_and_to_a_mo_number_come_back_the_same => sub {
    my $esme = Esme->bound(Esme::simulator('--mo-number', '12345'));
    for my $to (qw(app 12345)) {
        for (['hello', 0, 0], ["\x4e\x16", 8, 0], ["\x05\0\x03\x2a\x02\x02b", 0, 0x40], [ join('', map chr, 0 .. 139), 4, 0 ]) {
            my ($text, $coding, $class) = @$_;
            $esme->submit(destination_addr => $to, short_message => $text, data_coding => $coding, esm_class => $class);
            my ($message) = $esme->take_delivered;
            equal($message->{short_message}, $text, 'text');
            equal([ @$message{qw(data_coding esm_class)} ], [ $coding, $class ]);
            equal([ @$message{qw(source_addr destination_addr)} ], [ '1000', $to ]);
        }
    }
};

case query_sm_follows_a_message_from_enroute_to_delivered => sub {
    my $esme = Esme->bound(Esme::simulator());
    my $id = $esme->submit(registered_delivery => 1);
    equal($esme->state($id), $ENROUTE);
    $esme->take_delivered;
    my $after = $esme->request('query_sm', message_id => $id);
    equal([ @$after{qw(message_id message_state error_code)} ], [ $id, $DELIVERED, 0 ]);
    my @now = map { strftime('%y%m%d%H%M', gmtime(time - $_)) } 0, 60;
    my ($minute) = $after->{final_date} =~ /^(\d{10})\d{3}00\+$/ or die "final_date is $after->{final_date}\n";
    die "final_date is $after->{final_date}, not $now[0]\n" unless grep { $_ eq $minute } @now;
    status($esme->request('query_sm', message_id => 'none'), 'ESME_RINVMSGID');
};

case cancel_sm_deletes_a_message_and_sends_its_receipt => sub {
    my $esme = Esme->bound(Esme::simulator());
    my $id = $esme->submit(registered_delivery => 1, schedule_delivery_time => $LATER);
    my @cancel = (cancel_sm => message_id => $id, destination_addr => '447700900123');
    status($esme->request(@cancel), 'ESME_ROK');
    equal(Esme::read_receipt($esme->take_delivered)->{stat}, 'DELETED');
    equal($esme->state($id), $DELETED);
    status($esme->request(@cancel), 'ESME_RCANCELFAIL');
};

case cancel_sm_without_an_id_deletes_all_between_two_addresses => sub {
    my $esme = Esme->bound(Esme::simulator());
    my @ids = map { $esme->submit(schedule_delivery_time => $LATER) } 1 .. 3;
    my $other = $esme->submit(schedule_delivery_time => $LATER, destination_addr => '2');
    status($esme->request('cancel_sm', destination_addr => '447700900123'), 'ESME_ROK');
    equal([ map { $esme->state($_) } @ids, $other ], [ ($DELETED) x 3, $ENROUTE ]);
};

case replace_sm_changes_text_and_schedule => sub {
    my $esme = Esme->bound(Esme::simulator('--mo-number', '12345', '--receipt-delay', '0ms'));
    my $id = $esme->submit(destination_addr => '12345', schedule_delivery_time => $LATER);
    my @replace = (replace_sm => message_id => $id, short_message => 'other', registered_delivery => 1);
    status($esme->request(@replace, schedule_delivery_time => '000000000001000R'), 'ESME_ROK');
    my ($message, $receipt) = $esme->take_delivered(2);
    equal($message->{short_message}, 'other');
    equal(Esme::read_receipt($receipt)->{id}, $id);
    status($esme->request(@replace), 'ESME_RREPLACEFAIL');
};

case a_message_whose_validity_ends_first_gets_an_expired_receipt => sub {
    my $esme = Esme->bound(Esme::simulator('--receipt-delay', '60s'));
    my $id = $esme->submit(registered_delivery => 1, validity_period => '000000000001000R');
    my ($receipt) = $esme->take_delivered;
    equal(Esme::read_receipt($receipt)->{stat}, 'EXPIRED');
    equal([ ord $receipt->{message_state}, $esme->state($id) ], [ $EXPIRED, $EXPIRED ]);
    equal(length $receipt->{network_error_code}, 3, 'length of network_error_code');
};

case schedule_delivery_time_is_honoured => sub {
    my $esme = Esme->bound(Esme::simulator('--receipt-delay', '0ms'));
    my $began = time;
    $esme->submit(registered_delivery => 1, schedule_delivery_time => '000000000001000R');
    $esme->take_delivered;
    die "it came too early\n" if time - $began < 0.9;
};

case submit_multi_names_the_destinations_it_refused => sub {
    my $esme = Esme->bound(Esme::simulator());
    my $resp = $esme->request('submit_multi',
        dest_flag => [ 1, 1, 2, 1 ], destination_addr => [ '111', '', 'friends', '222' ],
        short_message => 'hello', registered_delivery => 1);
    status($resp, 'ESME_ROK');
    equal([ $resp->{num_unsuccess}, $resp->{destination_addr}[0], $resp->{error_status_code}[0] ], [ 1, '', 0x0B ]);
    my @receipts = $esme->take_delivered(3);
    equal([ sort map { $_->{source_addr} } @receipts ], [ '111', '222', 'friends' ]);
    equal($_, $resp->{message_id}) for map { Esme::read_receipt($_)->{id} } @receipts;
};

case data_sm_is_taken_and_with_set_dpf_followed_by_alert_notification => sub {
    my $esme = Esme->bound(Esme::simulator());
    my @data = (data_sm => destination_addr => '2', registered_delivery => 1);
    my $resp = $esme->request(@data, message_payload => 'hello', set_dpf => "\1");
    status($resp, 'ESME_ROK');
    equal(Esme::read_receipt($esme->take_delivered)->{id}, $resp->{message_id});
    $esme->read_until(sub { @{ $esme->{alerts} } }, 'alert_notification');
    equal([ @{ $esme->{alerts}[0] }{qw(source_addr esme_addr)} ], [ '2', '1000' ]);
    status($esme->request(@data), 'ESME_RMISSINGOPTPARAM');
};

case enquire_link_goes_both_ways => sub {
    my $esme = Esme->bound(Esme::simulator('--enquire-link', '300ms', '--response', '5s'));
    status($esme->request('enquire_link'), 'ESME_ROK');
    $esme->read_until(sub { $esme->{enquiries} >= 3 }, 'enquire_link');
    $esme->submit;
};

case unbind_is_answered_and_the_connection_closed => sub {
    my $esme = Esme->bound(Esme::simulator());
    status($esme->request('unbind'), 'ESME_ROK');
    $esme->read_end;
};

case sigterm_unbinds_and_ends_the_simulator => sub {
    my $port = Esme::simulator();
    my $esme = Esme->bound($port);
    Esme::terminate($port);
    $esme->read_until(sub { $esme->{unbinds} }, 'unbind');
    $esme->read_end;
    equal(Esme::exit_code($port), 0, 'exit code');
};

# Net::SMPP's own way: it waits within the call, answers enquire_link and drops all else.
case the_synchronous_way_of_the_manual_works => sub {
    my $port = Esme::simulator();
    my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $port, system_id => 'app', password => 'x');
    status($resp, 'ESME_ROK');
    status($smpp->submit_sm(destination_addr => '2', short_message => 'hello'), 'ESME_ROK');
    status($smpp->enquire_link, 'ESME_ROK');
    status($smpp->unbind, 'ESME_ROK');
};

my ($passed, $failed, @wanted) = (0, 0, @ARGV);
local $SIG{TERM} = sub { Esme::end_simulators(); exit 1 };
$| = 1;
for (@cases) {
    my ($name, $run) = @$_;
    next if @wanted && !grep { index($name, $_) >= 0 } @wanted;
    if (eval { $run->(); 1 }) { print "ok $name\n"; $passed += 1 }
    else { print "not ok $name: ", $@ =~ s/\s*\n/ /gr, "\n"; $failed += 1 }
    Esme::end_simulators();
}
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);
