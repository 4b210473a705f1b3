"""The review room over HTTP: a thin layer over `review.desk` and `Studio`.

```
app.py        the application and the room that its routes share
guard.py      what every request passes: host, size, origin, session, CSRF; headers of every answer
errors.py     one shape for everything that goes wrong
shapes.py     requests and answers, as OpenAPI tells them
answers.py    JSON out, and what every route may answer besides
session.py looking.py media.py deciding.py events.py pages.py    the routes
applying.py   telling the graph what was decided
comparing.py  the measured curves of a sequence
```
What is served is written in ``docs/review_api.md``.
"""
