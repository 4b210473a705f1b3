"""The desk: what people judge, the evidence they judge it on, and writing down what they say.

```
index.py      where every shot stands, kept up with the ledger
queue.py      rows: what waits for whom, worst first, with the audit sample unmarked
said.py       the machine's verdict on a take, in words
evidence.py   its findings with frames, regions and references
pairs.py      what a take can be seen beside; the cut around it
takes.py      all of it for one take
sheets.py     contact sheet and review report of a sequence
rulings.py    decisions, undo, notes, preferences: each written once, never over another's word
facts.py      what comes with a decision besides the ruling
clips.py      frame numbers, timecode, rates
stills.py     frames at full size
scopes.py     waveform, parade, vectorscope, histogram
```
"""
