-- Gives back what a reservation holds, once.
--
-- KEYS: the hold. ARGV: 1 what to give back: u(nverified) or a(ll), 2 the time
-- to use instead of the server's, in microseconds, or ''.
--
-- Returns how many charges were given back, the server's clock in
-- microseconds, and -1. The keys that are written to stand in the hold, next
-- to it in the same slot; all of them are read before the first is written to,
-- so that it happens whole or not at all. How counters are kept stands in
-- charge.lua.
local call, get, put, sub, byte, char = redis.call, struct.unpack, struct.pack, string.sub, string.byte, string.char
local find = string.find
local LOG, WIDE, MEMBERS, SUM = 0, 2, 4, 6
local MOST, LAST_SUM = 4294967295, 9007199254740992

local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
local at = us
if ARGV[2] ~= '' then
  at = tonumber(ARGV[2])
end
local now = (at - at % 1000) / 1000

local hold = call('GET', KEYS[1])
if not hold then
  return {0, us, -1}
end
local verified, expires, t = get('<Bdd', hold)
if verified == 1 or expires <= now then
  return {0, us, -1}
end

-- A hold is whether it was verified, when it expires and the time of its
-- events. For each of these follow what it is, a byte (1 is unverified, 2 more
-- with a member, 4 more with an amount), the end of the key's name, and the
-- member or the amount; and then, for each amount, when its period ends.
local prefix = sub(KEYS[1], 1, -24)
local names, members, amounts, ends = {}, {}, {}, {}
local at, stop, periods = 18, #hold, {}
while at <= stop do
  local what, name, own = byte(hold, at), prefix .. sub(hold, at + 1, at + 22), false
  at = at + 23
  if what >= 2 then
    own = sub(hold, at, at + 7)
    at = at + 8
  end
  if what >= 4 then
    stop = stop - 8
    periods[#periods + 1] = #names + 1
  end
  if ARGV[1] == 'a' or what % 2 == 1 then
    local k = #names + 1
    names[k], members[k], amounts[k] = name, what >= 2 and what < 4 and own, what >= 4 and get('<d', own)
  end
end
for i, k in ipairs(periods) do
  ends[k] = get('<d', hold, stop + 8 * i - 7)
end
local values = {}
if #names > 0 then
  for i, value in ipairs(call('MGET', unpack(names))) do
    values[names[i]] = value
  end
end

if ARGV[1] == 'a' then
  call('DEL', KEYS[1])
else
  call('SETRANGE', KEYS[1], 0, char(1))
end

-- Each of these returns what remains of a counter s that begins at from, or
-- nothing if the event is not there any more; empty if there is nothing else.

local function fromLog(s, from, stop)
  local ev = put('<d', t)
  local at = find(s, ev, from, true)
  while at and (at - from) % 8 ~= 0 do
    at = find(s, ev, at + 1, true)
  end
  if at and at <= stop then
    return sub(s, 1, at - 1) .. sub(s, at + 8), #s - 8 < from
  end
end

local function fromRuns(s, from)
  if t <= get('<d', s, from) then
    return -- it may have been dropped
  end
  local known = byte(s, from + 8)
  local exact = fromLog(s, from + 9, from + 8 + 8 * known)
  if exact then
    known = known - 1
    s = sub(exact, 1, from + 7) .. char(known) .. sub(exact, from + 9)
  end
  local first = from + 9 + 8 * known
  local runs, before, out = '', 0, 0
  for at = #s - 15, first, -16 do
    local u, total = get('<dd', s, at)
    if u >= t then -- the event is in the oldest run that is not older than it
      out = 1
    end
    total = total - out
    if total > before then
      runs = put('<dd', u, total) .. runs
    end
    before = total
  end
  if out == 1 then
    return sub(s, 1, first - 1) .. runs, runs == ''
  end
end

local function fromMembers(s, from, member)
  if t <= get('<d', s, from) then
    return
  end
  from = from + 8
  local at = find(s, member, from, true)
  while at and (at - from) % 20 ~= 0 do
    at = find(s, member, at + 1, true)
  end
  if not at then
    return
  end
  local had = get('<I4', s, at + 16)
  if had == MOST then
    return -- we have lost count
  elseif had > 1 then
    return sub(s, 1, at + 15) .. put('<I4', had - 1) .. sub(s, at + 20), false
  end
  return sub(s, 1, at - 1) .. sub(s, at + 20), #s - 20 < from
end

local function fromSum(s, from, amount, period)
  local ends, sum = get('<dd', s, from)
  if ends == period and sum < LAST_SUM then
    sum = sum - amount
    return sub(s, 1, from - 1) .. put('<dd', ends, sum > 0 and sum or 0), sum <= 0
  end
end

local given = 0
for i, name in ipairs(names) do
  local s = values[name]
  if s then
    local format, from, ban = byte(s, 1), 3, 0
    if format % 2 == 1 then
      format, from, ban = format - 1, 12, get('<d', s, 3)
    end
    local left, empty
    if format == LOG then
      left, empty = fromLog(s, from, #s)
    elseif format == WIDE then
      left, empty = fromRuns(s, from)
    elseif format == MEMBERS and members[i] then
      left, empty = fromMembers(s, from, members[i])
    elseif format == SUM and amounts[i] then
      left, empty = fromSum(s, from, amounts[i], ends[i])
    end
    if left then
      given = given + 1
      if empty and ban <= now then
        call('DEL', name)
        left = false
      else
        call('SET', name, left, 'KEEPTTL')
      end
      values[name] = left
    end
  end
end
return {given, us, -1}
