-- One decision, in one step.
--
-- KEYS: the clock, the hold of the reservation (or the clock once more), then
-- one key for each charge.
--
-- ARGV: 1 the deadline in microseconds of the server's clock,
--       2 the time to use instead of the server's, in microseconds, or '',
--       3 what to do: k(eek), l(ook), r(eserve), c(ount) or p(ut back),
--       4 and 5 format and numbers of the charges, see encode.go,
--       6 the members, eight bytes for each charge.
--
-- Returns what came of it, the server's clock in microseconds, the epoch of
-- the data (when it began; -1 is not told), and then what was short, four numbers each: charge, limit, wait in
-- milliseconds, and what it is (0 refuses, 1 refuses by a ban, 2 is a shadow).
--
-- All that may fail is done before the first write, so that it happens whole
-- or not at all.
local KEYS, ARGV, call, get, put, sub = KEYS, ARGV, redis.call, struct.unpack, struct.pack, string.sub
local LATE, DONE, REFUSED, BEFORE = 0, 1, 2, 3

-- A key of events is a head and then runs, oldest first: time and count. A
-- key of members is the same head and then members, the one longest silent
-- first: member, time, count.
--
-- The head: until when the key is banned; up to which time events may have
-- been dropped; how many events there are; the longest window it was kept for,
-- in seconds; whose ban it is; whether all counts are 1.
local HEAD, BODY = '>dddI4BB', 31
local RUN, RUN_SIZE = '>dI4', 12
local MEMBER, MEMBER_SIZE = '>c8dI4', 20
local EVENTS, MEMBERS = 0, 1 -- kinds of tallies, 2 are wide ones
local UNVERIFIED, REQUESTS = 1, 2 -- what is counted; 0 is sends, 3 other attempts
local MOST = 4294967295
local EXACT = 64

local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
if us > tonumber(ARGV[1]) then
  return {LATE, us, -1}
end
local mode = ARGV[3]
local p = {get(ARGV[4], ARGV[5])}
local values = call('MGET', unpack(KEYS))
local n = #KEYS - 2

-- Questions are asked at now, rounded down; events are written down at event,
-- rounded up. Neither is before what the ledger has seen already: the clock's
-- key knows that up to a grain. While the server's clock is behind, time
-- stands still.
local at, grain, slack = us, 1000, 0
if ARGV[2] ~= '' then
  at, grain, slack = tonumber(ARGV[2]), 0, 3600000
end
local now, event = (at - at % 1000) / 1000
event = (at % 1000 == 0) and now or now + 1
local seen, epoch, tick = 0, 0, true
if values[1] then
  seen, epoch = get('>dd', values[1])
  if now < seen then
    now, event = seen, seen + grain
  end
  tick = event > seen + grain
end

if (mode == 'r' or mode == 'p') and values[2] then
  local _, expires = get('>Bd', values[2])
  if expires > now then
    return {BEFORE, us, epoch}
  end
end

-- What each charge is: seven numbers, and then four for each of its limits.
local starts, c = {}, 1
for i = 1, n do
  starts[i] = c
  c = c + 7 + 4 * p[c + 4]
end

local answer = {DONE, us, epoch}
local refused = false
local full = false -- a limit on requests
local bans

local function short(charge, limit, wait, what)
  local k = #answer
  answer[k + 1], answer[k + 2], answer[k + 3], answer[k + 4] = charge - 1, limit, wait, what
  if what < 2 then
    refused = true
  end
end

if mode == 'k' or mode == 'l' or mode == 'r' then
  for i = 1, n do
    local c = starts[i]
    local kind, counts, extra, limits, longest = p[c], p[c + 1], p[c + 2], p[c + 4], p[c + 5]
    local s = values[i + 2]
    local ban, forgotten, total, keep, whose, unit = 0, 0, 0, 0, 0, 1
    local len, lacks = 0, false
    if s then
      ban, forgotten, total, keep, whose, unit = get(HEAD, s)
      len = #s
    end
    local banned = ban > now
    if banned then
      short(i, whose < limits and whose or limits - 1, ban - now, 1)
      lacks = true
    end
    local last -- when the member was seen last
    if kind == MEMBERS and s then
      local member = sub(ARGV[6], 8 * i - 7, 8 * i)
      for at = len - MEMBER_SIZE + 1, BODY, -MEMBER_SIZE do
        if sub(s, at, at + 7) == member then
          last = get('>d', s, at + 8)
          break
        end
      end
    end
    local longestBan, bannedBy = 0, 0
    local q = c + 7
    for l = 0, limits - 1 do
      local window, wait = p[q + 1], 0
      local room = p[q]
      if kind == MEMBERS and room > EXACT then
        room = EXACT
      end
      room = room - extra
      if last and now - last < window then
        wait = 0
      elseif room <= 0 then
        wait = window
      elseif not s then
        wait = 0
      elseif kind == MEMBERS then
        local at = len - MEMBER_SIZE * room + 1
        if at >= BODY then
          local t = get('>d', s, at + 8)
          if now - t < window then
            wait = t + window - now
          end
        end
      elseif unit == 1 then
        local at = len - RUN_SIZE * room + 1
        if at >= BODY then
          local t = get('>d', s, at)
          if now - t < window then
            wait = t + window - now
          end
        end
      elseif total >= room then
        for at = len - RUN_SIZE + 1, BODY, -RUN_SIZE do
          local t, count = get(RUN, s, at)
          if now - t >= window then
            break
          end
          room = room - count
          if room <= 0 then
            wait = t + window - now
            break
          end
        end
      end
      if wait > 0 then
        local shadow = p[q + 3] % 2 == 1
        if not shadow then
          lacks = true
          if p[q + 2] > longestBan and s then
            longestBan, bannedBy = p[q + 2], l
          end
        end
        short(i, l, wait, shadow and 2 or 0)
      end
      q = q + 4
    end
    if lacks and counts == REQUESTS then
      full = true
    end
    if s and longestBan > 0 and not banned then
      ban, whose, banned = now + longestBan, bannedBy, true
      short(i, whose, longestBan, 1)
      bans = bans or {}
      bans[i] = put(HEAD, ban, forgotten, total, keep, whose, unit) .. sub(s, BODY)
    end
    if s and keep * 1000 < longest then -- a limit's window has become longer
      bans = bans or {}
      keep = math.ceil(longest / 1000)
      bans[i] = put(HEAD, ban, forgotten, total, keep, whose, unit) .. sub(s, BODY)
    end
  end
  if refused then
    answer[1] = REFUSED
  end
end

-- From here on, there are only writes.

if bans then
  for i = 1, n do
    if bans[i] then
      values[i + 2] = bans[i]
      local ban, longest = get('>d', bans[i]), p[starts[i] + 5]
      call('SET', KEYS[i + 2], bans[i], 'PX', math.max(longest, ban - now) + slack)
    end
  end
end

-- same tells whether events at the times t and u, the later, may count as one:
-- no exact limit reads u any more, and for wide ones both are in one cell.
-- Newer is how many events came after u: an exact limit that is full with
-- those, a shadow then, reads no older ones.
local function same(c, t, u, newer)
  local q = c + 7
  for l = 1, p[c + 4] do
    if now - u < p[q + 1] then
      local cell = p[q + 3]
      cell = (cell - cell % 2) / 2
      if cell == 0 then
        if newer < p[q] then
          return false
        end
      elseif math.floor(t / cell) ~= math.floor(u / cell) then
        return false
      end
    end
    q = q + 4
  end
  return true
end

-- compact drops runs that no limit reads, and merges those that none tells
-- apart.
local function compact(c, body, forgotten, total)
  local longest = p[c + 5]
  local times, counts, k, newer = {}, {}, 0, 0
  for at = 1, #body, RUN_SIZE do
    local t, count = get(RUN, body, at)
    if now - t >= longest then
      forgotten, total = math.max(forgotten, t), total - count
    else
      k = k + 1
      times[k], counts[k] = t, count
      newer = newer + count
    end
  end
  local out, into = {}, 0
  local t, count
  for i = 1, k do
    newer = newer - counts[i]
    if t and count + counts[i] <= MOST and same(c, t, times[i], newer) then
      t, count = times[i], count + counts[i]
    else
      if t then
        into = into + 1
        out[into] = put(RUN, t, count)
      end
      t, count = times[i], counts[i]
    end
  end
  if t then
    out[into + 1] = put(RUN, t, count)
  end
  return table.concat(out), forgotten, total
end

-- add writes one event down and returns its time.
local function add(i)
  local c = starts[i]
  local kind, before, longest, most = p[c], p[c + 3], p[c + 5], p[c + 6]
  local s = before > 0 and values[before + 2] or values[i + 2]
  local t = event
  local ban, forgotten, total, whose, unit, body = 0, event - 1, 0, 0, 1, ''
  local _
  if s then
    ban, forgotten, total, _, whose, unit = get(HEAD, s)
    body = sub(s, BODY)
  end
  local len = #body
  if kind == MEMBERS then
    local member = sub(ARGV[6], 8 * i - 7, 8 * i)
    local count = 1
    if len > 0 then
      t = math.max(t, (get('>d', body, len - MEMBER_SIZE + 9)))
      local found
      for at = len - MEMBER_SIZE + 1, 1, -MEMBER_SIZE do
        if sub(body, at, at + 7) == member then
          found = at
          break
        end
      end
      if found then
        local last, had = get('>dI4', body, found + 8)
        if now - last >= longest then
          forgotten = math.max(forgotten, last)
        else
          count = math.min(had + 1, MOST)
        end
        body = sub(body, 1, found - 1) .. sub(body, found + MEMBER_SIZE)
      else
        local first = get('>d', body, 9)
        if len / MEMBER_SIZE >= most or now - first >= longest then
          forgotten = math.max(forgotten, first)
          body = sub(body, MEMBER_SIZE + 1)
        end
      end
    end
    body = body .. put(MEMBER, member, t, count)
  else
    total = total + 1
    local last, count
    if len > 0 then
      last, count = get(RUN, body, len - RUN_SIZE + 1)
      t = math.max(t, last)
    end
    if kind == EVENTS and unit == 1 then
      body = body .. put(RUN, t, 1)
      if len >= RUN_SIZE * most then
        local drop = len + RUN_SIZE - RUN_SIZE * most
        forgotten = math.max(forgotten, (get('>d', body, drop - RUN_SIZE + 1)))
        total = total - drop / RUN_SIZE
        body = sub(body, drop + 1)
      end
    else
      if last and count < MOST and (last == t or same(c, last, t, 0)) then
        body = sub(body, 1, len - RUN_SIZE) .. put(RUN, t, count + 1)
        unit = 0
      else
        body = body .. put(RUN, t, 1)
        len = len + RUN_SIZE
        if len >= 24 * RUN_SIZE and len % (8 * RUN_SIZE) == 0 then
          body, forgotten, total = compact(c, body, forgotten, total)
          unit = total == #body / RUN_SIZE and 1 or 0
        end
      end
    end
  end
  s = put(HEAD, ban, forgotten, total, math.ceil(longest / 1000), whose, unit) .. body
  values[i + 2] = s
  call('SET', KEYS[i + 2], s, 'PX', math.max(t + longest, ban) - now + slack)
  return t
end

local wrote = false
local hold, expires = {}, 0
for i = 1, n do
  local c = starts[i]
  local counts = p[c + 1]
  if mode == 'c' or (counts == REQUESTS and not full and (mode == 'l' or mode == 'r')) then
    add(i)
    wrote = true
  elseif counts <= UNVERIFIED and (mode == 'p' or (mode == 'r' and not refused)) then
    local t = add(i)
    wrote = true
    local mark = put('>Bdc22', counts, t, sub(KEYS[i + 2], -22))
    if p[c] == MEMBERS then
      mark = put('>Bdc22c8', counts + 2, t, sub(KEYS[i + 2], -22), sub(ARGV[6], 8 * i - 7, 8 * i))
    end
    hold[#hold + 1] = mark
    expires = math.max(expires, t + p[c + 5])
  end
end
if #hold > 0 then
  call('SET', KEYS[2], put('>Bd', 0, expires) .. table.concat(hold), 'PX', expires - now + slack)
end
if wrote and tick then
  if epoch == 0 then
    epoch = us
    answer[3] = epoch
  end
  call('SET', KEYS[1], put('>dd', event, epoch), 'PX', 34560000000)
end
return answer
