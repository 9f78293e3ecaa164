# Net::SMPP as the client: does what each task of the file says, and prints what it saw.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../net-smpp";
use IO::Select;
use JSON::PP;
use Time::HiRes qw(time);

use Esme;
use Net::SMPP;

my %NAMED = map { $_ => 1 } qw(receipted_message_id message_state user_message_reference network_error_code);

sub run {
    my ($task) = @_;
    my $smpp = Esme->bound($task->{port})->{smpp};
    my (%asked, @events);
    for my $message (@{ $task->{messages} }) {
        my @reference = $message->{user_message_reference}
            ? (user_message_reference => pack 'n', $message->{user_message_reference}) : ();
        my $seq = $smpp->submit_sm(
            destination_addr => $message->{destination}, esm_class => $message->{esm_class},
            registered_delivery => $message->{registered_delivery},
            short_message => pack('H*', $message->{hex}), @reference,
        );
        $asked{$seq} = $message->{label};
    }
    my ($responses, $deliveries, $until) = (0, 0, time + $Esme::PATIENCE);
    my $quiet;
    while (time < ($quiet // $until)) {
        if ($responses == @{ $task->{messages} } && $deliveries >= $task->{deliveries}) {
            $quiet //= time + $task->{silence_ms} / 1000;
        }
        IO::Select->new($smpp)->can_read(0.05) or next;
        my $pdu = $smpp->read_pdu // die "the connection ended\n";
        my $name = Net::SMPP::pdu_tab->{ $pdu->{cmd} }{cmd};
        if ($name eq 'submit_sm_resp') {
            $responses += 1;
            push @events, { kind => 'response', label => $asked{ $pdu->{seq} }, status => $pdu->{status},
                message_id => $pdu->{message_id}, at => int(1000 * time) };
        }
        elsif ($name eq 'deliver_sm' || $name eq 'data_sm') {
            $deliveries += 1;
            push @events, { kind => 'receipt', command => $name, at => int(1000 * time), %{ seen($pdu) } };
            my $answer = "${name}_resp";
            $smpp->$answer(seq => $pdu->{seq}, message_id => '');
        }
        else { die "an unexpected $name\n" }
    }
    push @events, { kind => 'late', what => "$deliveries of $task->{deliveries} came" } unless $quiet;
    close $smpp;
    return \@events;
}

sub seen {
    my ($pdu) = @_;
    my %tlvs;
    for my $name (grep { $NAMED{$_} && defined $pdu->{$_} } keys %$pdu) {
        my $value = $pdu->{$name};
        # Net::SMPP gives TLVs as they are, the NUL of a text among them.
        $tlvs{$name} = $name eq 'receipted_message_id' ? $value =~ s/\0\z//r
            : $name eq 'network_error_code' ? unpack 'H*', $value
            : 0 + unpack $name eq 'message_state' ? 'C' : 'n', $value;
    }
    # All are there by their numbers, too: that is where those without a name are.
    for my $tag (grep { /^\d+$/ && !Net::SMPP::param_tab->{$_} } keys %$pdu) { $tlvs{ sprintf '0x%04x', $tag } = unpack 'H*', $pdu->{$tag} }
    return {
        esm_class => 0 + $pdu->{esm_class}, source => "$pdu->{source_addr}",
        destination => "$pdu->{destination_addr}", text => $pdu->{short_message} // '',
        payload => $pdu->{message_payload}, tlvs => \%tlvs,
    };
}

open my $file, '<', $ARGV[0] or die "cannot read $ARGV[0]: $!\n";
my $tasks = decode_json(do { local $/; <$file> });
print JSON::PP->new->latin1->encode({ map { $_->{name} => run($_) } @$tasks });
