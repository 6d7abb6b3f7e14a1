-- Gives back what a reservation holds, once.
--
-- KEYS: the hold. ARGV: 1 what to give back: u(nverified) or a(ll), 2 the time
-- to use instead of the server's, in microseconds, or ''.
--
-- Returns how many events were given back, the server's clock in microseconds,
-- and -1. The keys that are written to stand in the hold, next to it in the
-- same slot; all of them are read before the first is written to, so that it
-- happens whole or not at all.
local call, get, put, sub = redis.call, struct.unpack, struct.pack, string.sub
local HEAD, BODY = '<dddI4BB', 31
local RUN, RUN_SIZE = '<dI4', 12
local MEMBER_SIZE = 20
local MOST = 4294967295

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
-- events, and then for each of these what it counts, a byte (1 is unverified,
-- 2 more if there are members), the end of the key's name, and the member.
local prefix = sub(KEYS[1], 1, -24)
local names, members, at = {}, {}, 18
while at <= #hold do
  local flags, name, member = string.byte(hold, at), sub(hold, at + 1, at + 22), false
  at = at + 23
  if flags >= 2 then
    member = sub(hold, at, at + 7)
    at = at + 8
  end
  if ARGV[1] == 'a' or flags % 2 == 1 then
    names[#names + 1], members[#members + 1] = prefix .. name, member
  end
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
  call('SET', KEYS[1], put('<B', 1) .. sub(hold, 2), 'KEEPTTL')
end

local given = 0
for i = 1, #names do
  local s = values[names[i]]
  local ban, forgotten, total, keep, whose, unit, done
  if s then
    ban, forgotten, total, keep, whose, unit = get(HEAD, s)
  end
  if not s or t <= forgotten then
    done = false
  elseif members[i] then
    for at = BODY, #s, MEMBER_SIZE do
      if sub(s, at, at + 7) == members[i] then
        local count = get('<I4', s, at + 16)
        if count == MOST then
          break -- we have lost count
        elseif count > 1 then
          s = sub(s, 1, at + 15) .. put('<I4', count - 1) .. sub(s, at + MEMBER_SIZE)
        else
          s = sub(s, 1, at - 1) .. sub(s, at + MEMBER_SIZE)
        end
        done = true
        break
      end
    end
  else
    -- The event is in the oldest run that is not older than it.
    for at = BODY, #s, RUN_SIZE do
      local u, count = get(RUN, s, at)
      if u >= t then
        if count > 1 then
          s = sub(s, 1, at - 1) .. put(RUN, u, count - 1) .. sub(s, at + RUN_SIZE)
        else
          s = sub(s, 1, at - 1) .. sub(s, at + RUN_SIZE)
        end
        s = put(HEAD, ban, forgotten, total - 1, keep, whose, unit) .. sub(s, BODY)
        done = true
        break
      end
    end
  end
  if done then
    given = given + 1
    values[names[i]] = s
    if #s < BODY and ban <= now then
      call('DEL', names[i])
      values[names[i]] = false
    else
      call('SET', names[i], s, 'KEEPTTL')
    end
  end
end
return {given, us, -1}
