# What Net::SMPP must find at the gateway, and the simulator behind it of Net::SMPP's messages. It speaks 3.4.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../net-smpp";
use Time::HiRes qw(time);

use Esme;
use Net::SMPP;
use Stage;

my ($RECEIPT, $INTERMEDIATE) = (Net::SMPP::ESM_type_delivery_receipt, Net::SMPP::ESM_type_intermed_deliv_notif);
my ($ENROUTE, $DELIVERED, $EXPIRED, $DELETED) = map { Net::SMPP->can("MSGSTATE_$_")->() }
    qw(enroute delivered expired deleted);
my $LATER = '000001000000000R';
# What becomes of a message, by the digit that its destination ends with.
my %WORDS = (2 => 'DELIVRD', 3 => 'EXPIRED', 4 => 'DELETED', 5 => 'UNDELIV', 8 => 'REJECTD');
my @GOES = (destination_addr => '447700900002', registered_delivery => 1);
my %APP = (system_id => 'app', password => 'secret');

my @cases;
sub case { my ($name, $run) = @_; push @cases, [ $name, $run ] }

sub equal {
    my ($got, $wanted, $what) = @_;
    $what //= 'value';
    ($got, $wanted) = map { ref $_ ? join(', ', map { $_ // 'undef' } @$_) : $_ } $got, $wanted;
    die "$what is '" . ($got // 'undef') . "', not '$wanted'\n" unless defined $got && $got eq $wanted;
}

# A status by its name, as Net::SMPP calls it.
sub status { my ($pdu, $name) = @_; equal(Net::SMPP::status_code->{ $pdu->{status} }{code}, $name, 'command_status') }

# Fails unless each message has a receipt with its id and the outcome of its destination, and no other.
sub check_receipts {
    my ($receipts, %destinations) = @_;
    my %came;
    for my $receipt (@$receipts) {
        my $text = Esme::read_receipt($receipt);
        equal($receipt->{receipted_message_id}, "$text->{id}\0");
        equal($receipt->{esm_class}, $RECEIPT, 'esm_class');
        equal($receipt->{source_addr}, $destinations{ $text->{id} }, 'source_addr');
        $came{ $text->{id} } = $text->{stat};
    }
    equal([ map { "$_ $came{$_}" } sort keys %came ],
        [ map { "$_ $WORDS{ substr $destinations{$_}, -1 }" } sort keys %destinations ], 'receipts');
    equal(scalar @$receipts, scalar keys %destinations, 'number of receipts');
}

case each_bind_mode_is_accepted => sub {
    my $stage = Stage->set(gateway => { system_id => 'the gateway' });
    for my $mode (qw(receiver transmitter transceiver)) {
        my $esme = Esme->bound($stage->{port}, $mode);
        equal($esme->{bind_resp}{system_id}, 'the gateway');
        equal($esme->{bind_resp}{sc_interface_version}, "\x50");
    }
};

case wrong_password_and_unknown_id_get_the_same_esme_rbindfail => sub {
    my $stage = Stage->set;
    for my $wrong ([ password => 'wrong' ], [ password => '' ], [ system_id => 'nobody' ]) {
        my $esme = Esme->connect($stage->{port}, @$wrong);
        status($esme->request('bind_transceiver'), 'ESME_RBINDFAIL');
    }
    Esme->bound($stage->{port});
};

case texts_in_each_alphabet_and_with_udh_come_out_as_they_went_in => sub {
    my $stage = Stage->set;
    my $esme = Esme->bound($stage->{port});
    my @sent = (
        [ "GSM \x1b\x65 \0", 0, 0 ], [ "\x4e\x16\xd8\x3d\xdc\x4b", 8, 0 ], [ "\xe4", 3, 0 ],
        [ "\x05\0\x03\x2a\x02\x01" . 'a' x 153, 0, 0x40 ], [ "\x05\0\x03\x2a\x02\x02b", 0, 0x40 ],
        [ "\x06\x05\x04\x15\x81\0\0" . join('', map chr, 0 .. 99), 4, 0x40 ],
    );
    my %ids = map { $esme->submit(short_message => $_->[0], data_coding => $_->[1], esm_class => $_->[2]) => 1 } @sent;
    equal(scalar keys %ids, scalar @sent, 'number of different ids');
    my @came = $stage->submitted(scalar @sent);
    for my $at (0 .. $#sent) {
        my ($text, $coding, $class) = @{ $sent[$at] };
        equal([ @{ $came[$at] }{qw(short_message data_coding esm_class)} ], [ unpack('H*', $text), $coding, $class ]);
    }
};

case message_payload_and_sar_tlvs_come_out_as_they_went_in => sub {
    my $stage = Stage->set;
    my $esme = Esme->bound($stage->{port});
    $esme->submit(short_message => '', message_payload => 'p' x 1000);
    $esme->submit(short_message => "part $_", sar_msg_ref_num => "\0\x09", sar_total_segments => "\2",
        sar_segment_seqnum => chr $_) for 1, 2;
    my ($whole, @parts) = $stage->submitted(3);
    equal($whole->{text}, 'p' x 1000);
    for my $at (0, 1) {
        my %tlvs = map { $_->{name} => $_->{value} } @{ $parts[$at]{tlvs} };
        equal([ @tlvs{qw(sar_msg_ref_num sar_total_segments sar_segment_seqnum)} ], [ 9, 2, $at + 1 ]);
    }
};

case fifty_messages_of_mixed_outcomes_get_each_its_own_receipt => sub {
    my $esme = Esme->bound(Stage->set->{port});
    my %destinations;
    for my $number (0 .. 49) {
        my $to = sprintf '4477009%03d%d', $number, (2, 3, 4, 5, 8)[ $number % 5 ];
        $destinations{ $esme->submit(destination_addr => $to, registered_delivery => 1) } = $to;
    }
    check_receipts([ $esme->take_delivered(50) ], %destinations);
    $esme->silence(0.3);
};

case registered_delivery_decides_which_receipts_come => sub {
    my $esme = Esme->bound(Stage->set->{port});
    my %asked = map { $esme->submit(destination_addr => '442', registered_delivery => $_) => $_ } 0, 1, 2, 16, 17;
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
    my $stage = Stage->set;
    my ($transmitter, $receiver) = map { Esme->bound($stage->{port}, $_) } qw(transmitter receiver);
    my $id = $transmitter->submit(@GOES);
    equal(Esme::read_receipt($receiver->take_delivered)->{id}, $id);
};

case messages_from_handsets_come_as_they_were => sub {
    my $esme = Esme->bound(Stage->set->{port});
    for (['hello', 0, 0], ["\x4e\x16", 8, 0], ["\x05\0\x03\x2a\x02\x02b", 0, 0x40], [ join('', map chr, 0 .. 139), 4, 0 ]) {
        my ($text, $coding, $class) = @$_;
        $esme->submit(destination_addr => '12345', short_message => $text, data_coding => $coding, esm_class => $class);
        my ($message) = $esme->take_delivered;
        equal($message->{short_message}, $text, 'text');
        equal([ @$message{qw(data_coding esm_class)} ], [ $coding, $class ]);
        equal([ @$message{qw(source_addr destination_addr)} ], [ '1000', '12345' ]);
    }
};

case query_sm_follows_a_message_from_enroute_to_delivered => sub {
    my $esme = Esme->bound(Stage->set(smsc => { receipt_delay => '500ms' })->{port});
    my $id = $esme->submit(@GOES);
    equal($esme->state($id), $ENROUTE);
    $esme->take_delivered;
    my $after = $esme->request('query_sm', message_id => $id);
    equal([ @$after{qw(message_id message_state error_code)} ], [ $id, $DELIVERED, 0 ]);
    status($esme->request('query_sm', message_id => 'none'), 'ESME_RINVMSGID');
};

case cancel_sm_deletes_a_message_and_sends_its_receipt => sub {
    my $esme = Esme->bound(Stage->set->{port});
    my $id = $esme->submit(registered_delivery => 1, schedule_delivery_time => $LATER);
    my @cancel = (cancel_sm => message_id => $id, destination_addr => '447700900123');
    status($esme->request(@cancel), 'ESME_ROK');
    equal(Esme::read_receipt($esme->take_delivered)->{stat}, 'DELETED');
    equal($esme->state($id), $DELETED);
    status($esme->request(@cancel), 'ESME_RCANCELFAIL');
};

case cancel_sm_without_an_id_deletes_all_between_two_addresses => sub {
    my $esme = Esme->bound(Stage->set->{port});
    my @ids = map { $esme->submit(schedule_delivery_time => $LATER) } 1 .. 3;
    my $other = $esme->submit(schedule_delivery_time => $LATER, destination_addr => '2');
    status($esme->request('cancel_sm', destination_addr => '447700900123'), 'ESME_ROK');
    equal([ map { $esme->state($_) } @ids, $other ], [ ($DELETED) x 3, $ENROUTE ]);
};

case replace_sm_changes_text_and_schedule => sub {
    my $stage = Stage->set;
    my $esme = Esme->bound($stage->{port});
    my $id = $esme->submit(destination_addr => '447700900002', schedule_delivery_time => $LATER);
    my @replace = (replace_sm => message_id => $id, short_message => 'other', registered_delivery => 1);
    status($esme->request(@replace, schedule_delivery_time => '000000000001000R'), 'ESME_ROK');
    equal(Esme::read_receipt($esme->take_delivered)->{id}, $id);
    equal([ map { $_->{text} } $stage->submitted(1) ], ['other']);
    status($esme->request(@replace), 'ESME_RREPLACEFAIL');
};

case submit_multi_goes_to_each_destination_and_names_those_it_refused => sub {
    my $stage = Stage->set;
    my $esme = Esme->bound($stage->{port});
    my $resp = $esme->request('submit_multi',
        dest_flag => [ 1, 1, 2, 1 ], destination_addr => [ '4412', '', 'friends', '4423' ],
        short_message => 'hello', registered_delivery => 1);
    status($resp, 'ESME_ROK');
    equal($resp->{num_unsuccess}, 2);
    my @receipts = $esme->take_delivered(2);
    equal([ sort map { "$_->{source_addr} " . Esme::read_receipt($_)->{stat} } @receipts ], [ '4412 DELIVRD', '4423 EXPIRED' ]);
    equal($_, $resp->{message_id}) for map { Esme::read_receipt($_)->{id} } @receipts;
    equal([ sort map { $_->{destination_addr} } $stage->submitted(2) ], [ '4412', '4423' ]);
};

case data_sm_is_taken_and_gets_its_receipt => sub {
    my $stage = Stage->set;
    my $esme = Esme->bound($stage->{port});
    my $resp = $esme->request('data_sm', @GOES, message_payload => 'hello');
    status($resp, 'ESME_ROK');
    check_receipts([ $esme->take_delivered ], $resp->{message_id} => '447700900002');
    equal([ map { $_->{text} } $stage->submitted(1) ], ['hello']);
};

case more_than_the_throughput_gets_esme_rthrottled_and_later_room_again => sub {
    my $stage = Stage->set(gateway => { accounts => [ { %APP, throughput => 10 } ] });
    my $esme = Esme->bound($stage->{port});
    my ($throttled, $sent) = (0, 0);
    while ($sent < 25) {
        my $resp = $esme->submit_resp(@GOES);
        if ($resp->{status}) { status($resp, 'ESME_RTHROTTLED'); $throttled += 1; select undef, undef, undef, 0.1 }
        else { $sent += 1 }
    }
    die "nothing was throttled\n" unless $throttled;
    $esme->take_delivered(25);
    equal(scalar $stage->submitted(25), 25);
};

case enquire_link_goes_both_ways => sub {
    my $esme = Esme->bound(Stage->set(gateway => { session => { enquire_link => '300ms', response => '5s' } })->{port});
    status($esme->request('enquire_link'), 'ESME_ROK');
    $esme->read_until(sub { $esme->{enquiries} >= 3 }, 'enquire_link');
    $esme->submit;
};

case unbind_is_answered_and_the_connection_closed => sub {
    my $esme = Esme->bound(Stage->set->{port});
    status($esme->request('unbind'), 'ESME_ROK');
    $esme->read_end;
};

case receipts_of_before_come_after_kill_9 => sub {
    my $stage = Stage->set(smsc => { receipt_delay => '500ms' });
    my $esme = Esme->bound($stage->{port});
    my %destinations;
    for my $number (0 .. 49) {
        my $to = sprintf '4477009%03d%d', $number, (2, 3, 4, 5, 8)[ $number % 5 ];
        $destinations{ $esme->submit(destination_addr => $to, registered_delivery => 1) } = $to;
    }
    my @before = @{ $esme->{delivered} };
    $stage->do('restart');
    my $again = Esme->bound($stage->{port});
    my %came;
    my $keep = sub { $came{ Esme::read_receipt($_)->{id} } = $_ for @_ };
    $keep->(@before);
    # At least once: one that was being answered may come twice.
    $again->read_until(sub { $keep->(splice @{ $again->{delivered} }); keys %came == 50 }, '50 receipts');
    check_receipts([ values %came ], %destinations);
};

# Net::SMPP's own way: it waits within the call, answers enquire_link and drops all else.
case the_synchronous_way_of_the_manual_works => sub {
    my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => Stage->set->{port}, %APP);
    status($resp, 'ESME_ROK');
    status($smpp->submit_sm(destination_addr => '2', short_message => 'hello'), 'ESME_ROK');
    status($smpp->enquire_link, 'ESME_ROK');
    status($smpp->unbind, 'ESME_ROK');
};

my ($passed, $failed, @wanted) = (0, 0, @ARGV);
local $SIG{TERM} = sub { Stage::end_all(); exit 1 };
$| = 1;
for (@cases) {
    my ($name, $run) = @$_;
    next if @wanted && !grep { index($name, $_) >= 0 } @wanted;
    if (eval { $run->(); 1 }) { print "ok $name\n"; $passed += 1 }
    else { print "not ok $name: ", $@ =~ s/\s*\n/ /gr, "\n"; $failed += 1 }
    Stage::end_all();
}
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);
