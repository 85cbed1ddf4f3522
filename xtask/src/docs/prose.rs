//! What the man page says that is in no table. Paragraphs are separated by `.PP`; a line that begins with a dot is a
//! request of man's.

pub(super) const SYNOPSIS: &str = "\
.B gsyncd
.RI [ options ]
.I SOURCE TARGET
.br
.B gsyncd status
.RB [ \\-\\-json ]
.br
.B gsyncd
.I COMMAND PRIMARY
.RI [ user @] host :: volume
.RI [ options ]
.br
.B gsyncd
.I ACTION
.RI [ options ]
.RI : PRIMARY
.RI [ user @] host :: volume";

pub(super) const DESCRIPTION: &str = "\
.B gsyncd
keeps a file tree on another site equal to the one here: a plain directory, or a GlusterFS volume, where it takes the
place of the stock geo\\-replication daemon. It watches what changes instead of scanning, ships it over
.BR ssh (1),
proves that it arrived, and picks up where it was after anything dies.
.PP
It is called in three ways: by people with two directories; by people, and by itself, with a command and two volumes;
and by glusterd with options. Where a name has
.I primary
or
.IR secondary ,
.I master
or
.I slave
is the same: releases of GlusterFS before 10 say these.";

pub(super) const DIRECTORIES: &str = "\
The target follows the source from now on: first all of it, then every change as it happens, until the program is
stopped. Started again, it goes on where it was.
.I SOURCE
is a directory here;
.I TARGET
is one too, or one on another host, where gsyncd must be installed:
.IR host :/ path ,
.IR user @ host :/ path ,
.RI ssh:// user @ host : port :/ path .";

pub(super) const COMMANDS: &str = "\
.I PRIMARY
is the name of a volume of this cluster,
.I SECONDARY
is
.RI [ user @] host :: volume .";

pub(super) const ACTIONS: &str = "\
This is what every glusterd says, from release 3.7 on, and the
.BR gluster (8)
command. Options and addresses may be mixed. Names of options may be shortened as long as one is meant, exact names
first; of what is repeated the last counts;
.B \\-\\-
ends the options. What nobody knows is skipped when an action is named.
.PP
Addresses are
.RI [ssh://][ user @] host :: volume [: uuid ],
.RI : volume ,
.RI gluster:// host : volume ,
.RI file:/// path ,
and
.RI [ user @] host : ADDRESS .
A host that does not resolve stays as it is written.";

pub(super) const FILES: &str = "\
.TP
.I /var/lib/gsyncd, ~/.local/state/gsyncd
What sessions of directories know.
.TP
.I TARGET/.gsyncd
The index of a directory that is a target, and
.I aside
with what was in the way.
.TP
.I /var/lib/glusterd/geo\\-replication/PRIMARY_HOST_SECONDARY/gsyncd.conf
The settings of a session of volumes.
.TP
.I /etc/glusterfs/gsyncd.conf
The settings of all of them, where it exists.
.TP
.I /var/log/glusterfs/geo\\-replication, /var/log/glusterfs/geo\\-replication\\-secondaries
Logs.";

pub(super) const EXIT_STATUS: &str = "\
.TP
.B 0
All is well.
.TP
.B 1
It failed, or not everything could be synced.
.TP
.B 2
The command line is wrong; for
.BR monitor ,
another one runs already; for
.BR config\\-check ,
.BR config\\-get ,
.B config\\-set
and
.BR config\\-reset ,
there is no such option.
.TP
.B 3
The value is not one of the option's.
.TP
.B 4
The option cannot be set.";

pub(super) const EXAMPLES: &str = "\
.TP
.B gsyncd /src backup@vault:/srv/copy
Follow, over ssh.
.TP
.B gsyncd \\-\\-once /src /dst
Bring it up to date, print a summary, end.
.TP
.B gsyncd config\\-get pvol vault::svol \\-\\-show\\-defaults
All options of a session of volumes.
.TP
.B command=\"gsyncd restricted \\-\\-root /srv/copy\",restrict ssh\\-ed25519 ...
In
.IR authorized_keys :
the key may write below one directory only.";
