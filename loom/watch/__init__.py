"""Did a tick come? Looks at the ledger from outside the ticks, and tells a person when none does.

A tick that never comes can't say so itself. What was said is kept in a small file, so that calling this
every few minutes makes one alert, a reminder a day, and one recovery.
"""
