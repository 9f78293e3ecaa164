# The program `stage` as a child process: a simulator and a gateway before it.
package Stage;

use strict;
use warnings;
use FindBin;
use IO::Handle;
use IO::Select;
use IPC::Open2;
use JSON::PP;

use Esme;

my @stages;

# Sets it up as `stage` says; its port is in {port}.
sub set {
    my ($class, %wanted) = @_;
    my $pid = open2(my $out, my $in, "$FindBin::Bin/stage", encode_json(\%wanted));
    $in->autoflush;
    my $stage = bless { pid => $pid, in => $in, out => $out }, $class;
    push @stages, $stage;
    $stage->{port} = $stage->line->{port};
    return $stage;
}

# The next line that it says.
sub line {
    my ($stage) = @_;
    IO::Select->new($stage->{out})->can_read($Esme::PATIENCE) or die "the stage said nothing\n";
    my $line = readline $stage->{out};
    return JSON::PP->new->allow_nonref->decode($line // die "the stage ended\n");
}

# Has it do something.
sub do {
    my ($stage, @words) = @_;
    print { $stage->{in} } "@words\n";
    return $stage->line;
}

# The submit_sm that the simulator read; waits for so many.
sub submitted {
    my ($stage, $count) = @_;
    my $until = time + $Esme::PATIENCE;
    while (1) {
        my $found = $stage->do('submitted');
        return @$found if @$found >= $count;
        die "waited for $count submit_sm, there are " . @$found . "\n" if time > $until;
    }
}

# Ends all: each ends what it started when its input ends.
sub end_all {
    while (my $stage = pop @stages) {
        close $stage->{in};
        waitpid $stage->{pid}, 0;
    }
    $? = 0;
}

1;
