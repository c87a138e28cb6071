# What tells the daemon how often to take small pictures of the screen; nothing where it takes none.
settings:
if settings.screen && settings.snapshotMinutes != null
then builtins.toJSON { kiosk.everyMinutes = settings.snapshotMinutes; } + "\n"
else null
