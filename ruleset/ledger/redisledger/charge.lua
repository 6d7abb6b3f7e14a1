-- One decision, in one step.
--
-- KEYS: the clock, the hold of the reservation (or the clock once more), then
-- one key for each charge.
--
-- ARGV: 1 the deadline in microseconds of the server's clock,
--       2 the time to use instead of the server's, in microseconds, or '',
--       3 what to do: k(eek), l(ook), r(eserve), c(ount) or p(ut back),
--       4 and 5 format and numbers of the charges, see encode.go,
--       6 the members, eight bytes for each charge,
--       7 what the hold is to hold, see settle.lua,
--       8 and so on: how long to keep the key of each charge, in milliseconds.
--
-- Returns what came of it, the server's clock in microseconds, the epoch of
-- the data (when it began; -1 is not told), and then what was short, four
-- numbers each: charge, limit, wait in milliseconds, and what it is (0
-- refuses, 1 refuses by a ban, 2 is a shadow).
--
-- All that may fail is done before the first write, so that it happens whole
-- or not at all.
local KEYS, ARGV, call, get, put, sub = KEYS, ARGV, redis.call, struct.unpack, struct.pack, string.sub
local clock = call('TIME')
local us = clock[1] * 1000000 + clock[2]
if us > tonumber(ARGV[1]) then
  return {0, us, -1} -- late
end
local mode = ARGV[3]
local p = {get(ARGV[4], ARGV[5])}
local values = call('MGET', unpack(KEYS))
local n = #KEYS - 2

-- A key of events is a head and then runs, oldest first: time and count. A
-- key of members is the same head and then members, the one longest silent
-- first: member, time, count.
--
-- The head: until when the key is banned; up to which time events may have
-- been dropped; how many events there are; the longest window it was kept for,
-- in seconds; whose ban it is; whether all counts are 1.
local HEAD, BODY = '<dddI4BB', 31
local RUN, RUN_SIZE = '<dI4', 12
local MEMBER_SIZE = 20
local EVENTS, MEMBERS = 0, 1 -- kinds of tallies; 2 are wide ones
local UNVERIFIED, REQUESTS = 1, 2 -- what is counted; 0 is sends, 3 other attempts
local MOST, EXACT = 4294967295, 64

-- Questions are asked at now, rounded down; events are written down at event,
-- rounded up. Neither is before what the ledger has seen already: the clock's
-- key knows that up to a grain. While the server's clock is behind, time
-- stands still.
local at, grain, slack = us, 1000, 0
if ARGV[2] ~= '' then
  at, grain, slack = tonumber(ARGV[2]), 0, 3600000
end
local now = (at - at % 1000) / 1000
local event = at % 1000 == 0 and now or now + 1
local seen, epoch, tick = 0, 0, true
if values[1] then
  seen, epoch = get('<dd', values[1])
  if now < seen then
    now, event = seen, seen + grain
  end
  tick = event > seen + grain
end

if values[2] and KEYS[2] ~= KEYS[1] then
  local _, expires = get('<Bd', values[2])
  if expires > now then
    return {3, us, epoch} -- reserved before
  end
end

local answer = {1, us, epoch}
local refused, full = false, false -- full: a limit on requests
local bans

local function short(charge, limit, wait, what)
  local k = #answer
  answer[k + 1], answer[k + 2], answer[k + 3], answer[k + 4] = charge - 1, limit, wait, what
  if what < 2 then
    refused = true
  end
end

-- starts is where the numbers of a charge begin: its kind, what it counts, how
-- many places are taken by earlier charges to its key, and the last of those;
-- how many limits it has, the longest window, the most that an exact limit
-- reads. Then, for each limit: max, window, ban, and twice its cell (0 is
-- exact), one more for a shadow.
local starts, c = {}, 1
local asked = mode == 'r' or mode == 'l' or mode == 'k'
for i = 1, n do
  starts[i] = c
  local limits = p[c + 4]
  local s, extra = values[i + 2], p[c + 2]
  if asked and (s or extra > 0) then
    local kind = p[c]
    local ban, forgotten, total, keep, whose, unit = 0, 0, 0, 0, 0, 1
    local len, lacks, last = 0, false, nil
    if s then
      ban, forgotten, total, keep, whose, unit = get(HEAD, s)
      len = #s
    end
    local banned = ban > now
    if banned then
      short(i, whose < limits and whose or limits - 1, ban - now, 1)
      lacks = true
    end
    if kind == MEMBERS and s then
      local member = sub(ARGV[6], 8 * i - 7, 8 * i)
      for at = len - MEMBER_SIZE + 1, BODY, -MEMBER_SIZE do
        if sub(s, at, at + 7) == member then
          last = get('<d', s, at + 8) -- when the member was seen last
          break
        end
      end
    end
    local longest, whoseNext = 0, 0 -- of the bans that begin now
    local q = c + 7
    for l = 0, limits - 1 do
      local room, window, wait = p[q] - extra, p[q + 1], 0
      if kind == MEMBERS and p[q] > EXACT then
        room = EXACT - extra
      end
      if last and now - last < window then
        wait = 0
      elseif room <= 0 then
        wait = window
      elseif kind == MEMBERS or unit == 1 then
        local at -- the one that has to leave first
        if kind == MEMBERS then
          at = len - MEMBER_SIZE * room + 1
        else
          at = len - RUN_SIZE * room + 1
        end
        if at >= BODY then
          local t = get('<d', s, kind == MEMBERS and at + 8 or at)
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
        if p[q + 3] % 2 == 1 then
          short(i, l, wait, 2)
        else
          short(i, l, wait, 0)
          lacks = true
          if p[q + 2] > longest then
            longest, whoseNext = p[q + 2], l
          end
        end
      end
      q = q + 4
    end
    if lacks and p[c + 1] == REQUESTS then
      full = true
    end
    if s then
      local rewrite = false
      if longest > 0 and not banned then
        ban, whose, rewrite = now + longest, whoseNext, true
        short(i, whose, longest, 1)
      end
      if keep * 1000 < p[c + 5] then -- a window has become longer
        keep, rewrite = math.ceil(p[c + 5] / 1000), true
      end
      if rewrite then
        bans = bans or {}
        bans[i] = put(HEAD, ban, forgotten, total, keep, whose, unit) .. sub(s, BODY)
      end
    end
  end
  c = c + 7 + 4 * limits
end
if refused then
  answer[1] = 2
end

-- What is to be charged, and when: no event is before one of the same key.
local take = mode == 'c' or mode == 'p' or (mode == 'r' and not refused)
local requests = not full and (mode == 'r' or mode == 'l')
local wrote = false
for i = 1, n do
  local counts = p[starts[i] + 1]
  if (counts == REQUESTS and requests) or (take and (mode == 'c') == (counts >= REQUESTS)) then
    wrote = true
    local s = values[i + 2]
    if s and #s >= BODY then
      local t
      if p[starts[i]] == MEMBERS then
        t = get('<d', s, #s - MEMBER_SIZE + 9)
      else
        t = get('<d', s, #s - RUN_SIZE + 1)
      end
      if t > event then
        event = t
      end
    end
  else
    starts[i] = -starts[i]
  end
end

-- From here on, there are only writes.

if bans then
  for i = 1, n do
    if bans[i] then
      values[i + 2] = bans[i]
      local ban, longest = get('<d', bans[i]), p[math.abs(starts[i]) + 5]
      call('PSETEX', KEYS[i + 2], math.max(longest, ban - now) + slack, bans[i])
    end
  end
end
if not wrote then
  return answer
end

-- same tells whether events at the times t and u, the later, may count as one:
-- no exact limit reads u any more, and for wide ones both are in one cell.
-- Newer is how many events came after u: an exact limit that is full with
-- those, a shadow then, reads no older ones.
local function same(c, t, u, newer)
  local q = c + 7
  for _ = 1, p[c + 4] do
    if now - u < p[q + 1] then
      local cell = p[q + 3]
      cell = (cell - cell % 2) / 2
      if cell == 0 then
        if newer < p[q] then
          return false
        end
      elseif (t - t % cell) ~= (u - u % cell) then
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
  local out = {}
  local t, count
  for i = 1, k do
    newer = newer - counts[i]
    if t and count + counts[i] <= MOST and same(c, t, times[i], newer) then
      t, count = times[i], count + counts[i]
    else
      if t then
        out[#out + 1] = put(RUN, t, count)
      end
      t, count = times[i], counts[i]
    end
  end
  if t then
    out[#out + 1] = put(RUN, t, count)
  end
  return table.concat(out), forgotten, total
end

-- addMember writes an event of the i-th charge's member down in body.
local function addMember(i, c, body, forgotten)
  local member, longest, count = sub(ARGV[6], 8 * i - 7, 8 * i), p[c + 5], 1
  for at = #body - MEMBER_SIZE + 1, 1, -MEMBER_SIZE do
    if sub(body, at, at + 7) == member then
      local last, had = get(RUN, body, at + 8)
      if now - last >= longest then
        forgotten = math.max(forgotten, last)
      else
        count = math.min(had + 1, MOST)
      end
      body = sub(body, 1, at - 1) .. sub(body, at + MEMBER_SIZE)
      return body .. member .. put(RUN, event, count), forgotten
    end
  end
  if #body > 0 then
    local first = get('<d', body, 9)
    if #body / MEMBER_SIZE >= p[c + 6] or now - first >= longest then
      forgotten = math.max(forgotten, first)
      body = sub(body, MEMBER_SIZE + 1)
    end
  end
  return body .. member .. put(RUN, event, 1), forgotten
end

-- add writes an event of the i-th charge down in s, the value of its key.
local function add(i, c, s)
  local ban, forgotten, total, _, whose, unit = get(HEAD, s)
  local kind, keep, body = p[c], math.ceil(p[c + 5] / 1000), nil
  total = total + 1
  if kind == MEMBERS then
    body, forgotten = addMember(i, c, sub(s, BODY), forgotten)
  elseif kind == EVENTS and unit == 1 then
    local drop = #s - BODY + 1 + RUN_SIZE - RUN_SIZE * p[c + 6]
    if drop > 0 then
      forgotten = math.max(forgotten, (get('<d', s, BODY + drop - RUN_SIZE)))
      total = total - drop / RUN_SIZE
    else
      drop = 0
    end
    body = sub(s, BODY + drop) .. put(RUN, event, 1)
  else
    local last, count
    if #s >= BODY then
      last, count = get(RUN, s, #s - RUN_SIZE + 1)
    end
    if last and count < MOST and (last == event or same(c, last, event, 0)) then
      body = sub(s, BODY, -RUN_SIZE - 1) .. put(RUN, event, count + 1)
      unit = 0
    else
      body = sub(s, BODY) .. put(RUN, event, 1)
      if #body >= 24 * RUN_SIZE and #body % (8 * RUN_SIZE) == 0 then
        body, forgotten, total = compact(c, body, forgotten, total)
        unit = total == #body / RUN_SIZE and 1 or 0
      end
    end
  end
  return put(HEAD, ban, forgotten, total, keep, whose, unit) .. body, ban
end

local expires, held, fresh = 0, nil, {}
for i = 1, n do
  local c = starts[i]
  if c > 0 then
    local before, longest = p[c + 3], p[c + 5]
    local s, ban = before > 0 and values[before + 2] or values[i + 2], 0
    if s then
      s, ban = add(i, c, s)
    elseif p[c] == MEMBERS then
      s = put(HEAD, 0, event - 1, 1, math.ceil(longest / 1000), 0, 1) .. addMember(i, c, '', 0)
    else
      s = fresh[longest]
      if not s then
        s = put('<dddI4BBdI4', 0, event - 1, 1, math.ceil(longest / 1000), 0, 1, event, 1)
        fresh[longest] = s
      end
    end
    values[i + 2] = s
    if slack == 0 and event - now <= 1 and ban <= now then
      call('PSETEX', KEYS[i + 2], ARGV[7 + i], s)
    else
      call('PSETEX', KEYS[i + 2], math.max(event + longest, ban) - now + slack, s)
    end
    if longest > expires and p[c + 1] <= UNVERIFIED then
      expires, held = longest, ARGV[7 + i]
    end
  end
end
if expires > 0 then
  expires = event + expires
  if slack > 0 or event - now > 1 then
    held = expires - now + slack
  end
  call('PSETEX', KEYS[2], held, put('<Bdd', 0, expires, event) .. ARGV[7])
end
if tick then
  if epoch == 0 then
    epoch = us
    answer[3] = epoch
  end
  call('PSETEX', KEYS[1], '34560000000', put('<dd', event, epoch))
end
return answer
