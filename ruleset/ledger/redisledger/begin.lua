-- What every script that charges begins with.
--
-- KEYS: the clock, the hold of the reservation (or the clock once more), one
-- key for each charge, and the keys that some of them have under another
-- secret.
--
-- ARGV: 1 the deadline in microseconds of the server's clock,
--       2 the time to use instead of the server's, in microseconds, or '',
--       3 what the hold is to hold, see settle.lua,
--       4 what charges have of their own, see encode.go.
--
-- Returns what came of it, the server's clock in microseconds, the epoch of
-- the data (when it began; -1 is not told), and then what was short, four
-- numbers each: charge, limit, wait in milliseconds, and what it is (0
-- refuses, 1 refuses by a ban, 2 is a shadow).
local KEYS, ARGV, call, get, put = KEYS, ARGV, redis.call, struct.unpack, struct.pack
local string = string
local sub, byte, find, char = string.sub, string.byte, string.find, string.char
local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
if us > tonumber(ARGV[1]) then
  return {0, us, -1} -- late
end

-- Questions are asked at now, rounded down; events are written down at event,
-- rounded up. The clock's key knows the latest event up to a grain: none is
-- later than that. Far keeps
-- keys for longer where time is not the server's.
local now, grain, far = us, 1000, false
if ARGV[2] ~= '' then
  now, grain, far = tonumber(ARGV[2]), 0, '3456000000'
end
local event = now + 999
event = (event - event % 1000) / 1000
now = (now - now % 1000) / 1000

local values = call('MGET', unpack(KEYS))
local seen, epoch = -1, 0
if values[1] then
  seen, epoch = get('<dd', values[1])
end
