"""From words to shots: the brief, the script, the breakdown, and a lint before a cent is spent.

`brief.read` gives the `Plan` and the `Brief`; `first_look.first_look` what the words already say
of the look; `lint.lint` what will drift; `template.write` a project to start from.
"""
