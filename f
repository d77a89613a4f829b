: c
id: 1
event: tick
data: {"a":{"b":"x"}}

data: two
data: lines

event: done
data: [DONE]

