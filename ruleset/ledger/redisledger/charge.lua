-- One decision in all its cases, in one step. It stands after begin.lua and,
-- where there is one, after the shape's own script, see fast.lua.
--
-- Before it: mode, what to do: k(eek), l(ook), r(eserve), c(ount) or p(ut
-- back); shape, what is charged, see shape.go; also, for each charge a byte:
-- which of KEYS is its key under another secret, 0 if none. Beyond KEYS are
-- ARGV from the 8th: the values of such keys in other slots.
--
-- All that may fail is done before the first write, so that it happens whole
-- or not at all.

-- A counter is a head of two bytes: its format, and a code for how long it is
-- kept after each event. An odd format is of a key that is or was banned:
-- until when (a double) and by which limit (a byte) follow. Then
--
--   LOG      the times of events, oldest first
--   WIDE     up to which time events may have been dropped; how many times
--            follow (a byte); the times of the latest events, oldest first;
--            and runs, the latest first: the time of the latest event of each,
--            and how many events there are up to this
--   MEMBERS  up to which time events may have been dropped, and members, the
--            one longest silent first: member, time, count (4 bytes)
--   SUM      when the period ends, and the sum
--
-- Numbers are doubles where nothing is said, and times are milliseconds.
local LOG, WIDE, MEMBERS, SUM = 0, 2, 4, 6
local UNVERIFIED, REQUESTS = 1, 2 -- what is counted; 0 is sends, 3 other attempts
local MOST, LAST_SUM, MAX_HELD = 4294967295, 9007199254740992, 172800000
local RUNS, SPARE = 24, 256
local n = #shape

-- While the server's clock is behind, time stands still.
local slack = far and 3600000 or 0
if now < seen then
  now, event = seen, seen + grain
end

if values[2] and KEYS[2] ~= KEYS[1] then
  local _, expires = get('<Bd', values[2])
  if expires > now then
    return {3, us, epoch} -- reserved before
  end
end

local function parse(s)
  local o = {ban = 0, whose = 0, keep = 0, forgotten = event - 1, log = {}, most = 0}
  if not s or s == '' then
    return o
  end
  local format, keep = byte(s, 1, 2)
  local at = 3
  if format % 2 == 1 then
    format, at = format - 1, 12
    o.ban, o.whose = get('<dB', s, 3)
  end
  o.stored, o.format, o.keep, o.body = s, format, keep, sub(s, at)
  if format == SUM then
    o.ends, o.sum = get('<dd', s, at)
    return o
  end
  local exact = #s
  if format ~= LOG then
    o.forgotten = get('<d', s, at)
    at = at + 8
  end
  if format == MEMBERS then
    o.members = {}
    for at = at, #s, 20 do
      local t, count = get('<dI4', s, at + 8)
      o.members[#o.members + 1] = {t, count, sub(s, at, at + 7)}
    end
    return o
  end
  if format == WIDE then
    exact = at + 8 * byte(s, at)
    at = at + 1
  end
  for at = at, exact, 8 do
    o.log[#o.log + 1] = get('<d', s, at)
  end
  if format == WIDE then
    o.runs = {}
    local before = 0
    for at = #s - 15, exact + 1, -16 do
      local t, total = get('<dd', s, at)
      o.runs[#o.runs + 1] = {t, total - before}
      before = total
    end
  elseif o.log[1] then
    o.forgotten = o.log[1] - 1
  end
  return o
end

-- last returns when the latest event was.
local function last(o)
  local list = o.members or o.runs or o.log
  local e = list[#list]
  if type(e) == 'table' then
    e = e[1]
  end
  return e or 0
end

-- exactly returns times and how often, the latest first: those that are known
-- exactly, and for those before the times of their runs, which are later.
local function exactly(o)
  local list, skip, first = {}, #o.log, o.log[1]
  for i = #o.log, 1, -1 do
    list[#list + 1] = {o.log[i], 1}
  end
  for i = o.runs and #o.runs or 0, 1, -1 do
    local t, count = o.runs[i][1], o.runs[i][2]
    local known = math.min(skip, count)
    skip = skip - known
    if count > known then
      list[#list + 1] = {first and math.min(t, first) or t, count - known}
    end
  end
  return list
end

-- roughly is the same by runs alone, where there are any.
local function roughly(o)
  if not o.runs then
    return exactly(o)
  end
  local list = {}
  for i = #o.runs, 1, -1 do
    list[#list + 1] = o.runs[i]
  end
  return list
end

-- membersOf returns the members of o and of other, the latest first.
local function membersOf(o, other)
  local list, known = {}, {}
  for _, from in ipairs({o, other or {}}) do
    for _, m in ipairs(from.members or {}) do
      local had = known[m[3]]
      if not had then
        had = {m[1], 1, m[3]}
        known[m[3]], list[#list + 1] = had, had
      elseif m[1] > had[1] then
        had[1] = m[1]
      end
    end
  end
  table.sort(list, function(a, b) return a[1] > b[1] end)
  return list
end

-- merge merges two lists, the latest first.
local function merge(a, b)
  local list, i, j = {}, 1, 1
  while a[i] or b[j] do
    if not b[j] or a[i] and a[i][1] >= b[j][1] then
      list[#list + 1], i = a[i], i + 1
    else
      list[#list + 1], j = b[j], j + 1
    end
  end
  return list
end

-- nth returns the time of the nth event, the latest first.
local function nth(list, n)
  for _, e in ipairs(list) do
    n = n - e[2]
    if n <= 0 then
      return e[1]
    end
  end
end

local states = {} -- of keys
for i, key in ipairs(KEYS) do
  if i > 2 and not states[key] then
    states[key] = parse(values[i])
  end
end

-- A tally with a period has four bounds, around the time of who asks: of the
-- period before, the one that it is in, and the one after. Ends is when the
-- one ends that it is by our time.
local ends, amounts = {}, {}
for i, T in ipairs(shape) do
  if T.kind == SUM then
    local a, b, c, d, amount = get('<ddddd', ARGV[4], T.own)
    if now < a or now >= d then
      return {4, us, -1, now}
    end
    ends[i] = now < b and b or now < c and c or d
    amounts[i] = amount
  end
end

local function sumOf(o)
  return o and o.ends and now < o.ends and o.sum or 0
end

local answer = {1, us, epoch}
local refused, full = false, false -- full: a limit on requests

local function short(charge, limit, wait, what)
  local k = #answer
  answer[k + 1], answer[k + 2], answer[k + 3], answer[k + 4] = charge - 1, limit, wait, what
  if what < 2 then
    refused = true
  end
end

local function memberOf(i)
  return sub(ARGV[4], shape[i].own, shape[i].own + 7)
end

-- earlier returns how many charges before the i-th are to the same key and
-- need a place, and what they add up to.
local function earlier(i)
  local extra, amount, placed = 0, 0, false
  for j = 1, i - 1 do
    if KEYS[j + 2] == KEYS[i + 2] then
      placed = placed or shape[i].kind == MEMBERS and memberOf(i) == memberOf(j)
      if not placed then
        extra = extra + 1
      end
      amount = amount + (amounts[j] or 0)
    end
  end
  return extra, amount
end

-- ask asks the limits of one charge.
local function ask(i, T, o, other)
  local extra, added = earlier(i)
  local ban, whose, lacks, lastSeen = o.ban, o.whose, false, nil
  if other and other.ban > ban then
    ban, whose = other.ban, other.whose
  end
  local banned = ban > now
  if banned then
    short(i, math.min(whose, #T.limits - 1), ban - now, 1)
    lacks = true
  end
  local exact, rough
  if T.kind == MEMBERS then
    exact = membersOf(o, other)
    for _, m in ipairs(exact) do
      if m[3] == memberOf(i) then
        lastSeen = m[1]
      end
    end
  elseif T.kind ~= SUM then
    exact, rough = exactly(o), roughly(o)
    if other then
      exact, rough = merge(exact, exactly(other)), merge(rough, roughly(other))
    end
  end
  local longest, whoseNext = 0, 0 -- of the bans that begin now
  for l, limit in ipairs(T.limits) do
    local wait = 0
    if T.kind == SUM then
      if amounts[i] > 0 and sumOf(o) + sumOf(other) + added + amounts[i] > limit.max then
        wait = ends[i] - now
      end
    elseif lastSeen and now - lastSeen < limit.window then
      wait = 0
    elseif limit.max <= extra then
      wait = limit.window
    else
      local t = nth(limit.cell > 0 and rough or exact, limit.max - extra)
      if t and now - t < limit.window then
        wait = t + limit.window - now
      end
    end
    if wait > 0 then
      short(i, l - 1, wait, limit.shadow and 2 or 0)
      if not limit.shadow then
        lacks = true
        if limit.ban > longest then
          longest, whoseNext = limit.ban, l - 1
        end
      end
    end
  end
  full = full or lacks and T.count == REQUESTS
  if longest > 0 and not banned and (o.stored or other and other.stored) then
    o.ban, o.whose, o.rewrite = now + longest, whoseNext, T
    o.keep = math.max(o.keep, T.keep)
    short(i, whoseNext, longest, 1)
  end
  for _, s in ipairs({o, other}) do
    if s.stored and s.keep < T.keep then -- a window has become longer
      s.keep, s.rewrite = T.keep, T
    end
  end
end

local function head(o, format)
  if o.ban > now or o.ban > 0 and not o.add then -- one that is over may be all there is
    return put('<BBdB', format + 1, o.keep, o.ban, o.whose)
  end
  return put('<BB', format, o.keep)
end

if mode == 'r' or mode == 'l' or mode == 'k' then
  for i, T in ipairs(shape) do
    local at = byte(also, i) or 0
    local other
    if at > #KEYS then
      other = parse(ARGV[at - #KEYS + 7])
    elseif at > 0 then
      other = states[KEYS[at]]
    end
    ask(i, T, states[KEYS[i + 2]], other)
  end
end
if refused then
  answer[1] = 2
end

-- What is to be charged, and when: no event is before one of the same key.
local charged, wrote = {}, false
for i, T in ipairs(shape) do
  if T.count == REQUESTS and (mode == 'r' or mode == 'l') then
    charged[i] = not full
  elseif T.count >= REQUESTS then
    charged[i] = mode == 'c'
  else
    charged[i] = mode == 'p' or mode == 'r' and not refused
  end
  if charged[i] then
    wrote = true
    event = math.max(event, last(states[KEYS[i + 2]]))
  end
end

-- same tells whether events at the times t and u, the later, may count as one:
-- for each wide limit that still reads u both are in one cell.
local function same(T, t, u)
  for _, limit in ipairs(T.limits) do
    local cell = limit.cell
    if cell > 0 and now - u < limit.window and t - t % cell ~= u - u % cell then
      return false
    end
  end
  return true
end

-- compact drops runs that no limit reads, and merges those that none tells
-- apart.
local function compact(T, o)
  local runs = {}
  for _, run in ipairs(o.runs) do
    local before = runs[#runs]
    if now - run[1] >= T.longest then
      o.forgotten = math.max(o.forgotten, run[1])
    elseif before and same(T, before[1], run[1]) then
      before[1], before[2] = run[1], before[2] + run[2]
    else
      runs[#runs + 1] = run
    end
  end
  o.runs = runs
end

-- trim drops the oldest exact times but for so many.
local function trim(o, most)
  local drop = #o.log - most
  if drop > 0 then
    for i = 1, #o.log do
      o.log[i] = o.log[i + drop]
    end
  end
end

local function addToLog(T, o)
  if o.runs then
    local list = exactly(o)
    o.log, o.runs = {}, nil
    for i = #list, 1, -1 do
      for _ = 1, math.min(list[i][2], SPARE) do
        o.log[#o.log + 1] = list[i][1]
      end
    end
  end
  if mode ~= 'p' then
    trim(o, o.most - 1) -- there was room: what is older has left all windows
  else
    while o.log[1] and now - o.log[1] >= T.longest do
      table.remove(o.log, 1)
    end
    trim(o, SPARE - 1)
  end
  o.log[#o.log + 1] = event
end

local function addToRuns(T, o)
  if not o.runs then
    o.runs = {}
    for i, t in ipairs(o.log) do
      o.runs[i] = {t, 1}
    end
  end
  o.log[#o.log + 1] = event
  trim(o, o.most)
  local run = o.runs[#o.runs]
  if run and run[1] - run[1] % T.cell == event - event % T.cell then
    run[1], run[2] = event, run[2] + 1
    return
  end
  o.runs[#o.runs + 1] = {event, 1}
  if #o.runs >= RUNS and #o.runs % 8 == 0 then
    compact(T, o)
  end
end

local function addMember(i, T, o)
  local member, count, list = memberOf(i), 1, {}
  for _, m in ipairs(o.members or {}) do
    if m[3] ~= member then
      list[#list + 1] = m
    elseif now - m[1] >= T.longest then
      o.forgotten = math.max(o.forgotten, m[1])
    else
      count = math.min(m[2] + 1, MOST)
    end
  end
  if #list == #(o.members or list) and list[1] and (#list >= T.most or now - list[1][1] >= T.longest) then
    o.forgotten = math.max(o.forgotten, list[1][1])
    table.remove(list, 1)
  end
  list[#list + 1] = {event, count, member}
  o.members = list
end

local function format(T, o)
  local parts = {}
  if T.kind == SUM then
    return put('<dd', o.ends, o.sum)
  elseif T.kind == MEMBERS then
    parts[1] = put('<d', o.forgotten)
    for _, m in ipairs(o.members or {}) do
      parts[#parts + 1] = m[3] .. put('<dI4', m[1], m[2])
    end
    return table.concat(parts)
  elseif T.kind == WIDE then
    parts[1] = put('<dB', o.forgotten, #o.log)
  end
  for _, t in ipairs(o.log) do
    parts[#parts + 1] = put('<d', t)
  end
  local total, runs = 0, {}
  for i, run in ipairs(o.runs or {}) do
    total = total + run[2]
    runs[#o.runs + 1 - i] = put('<dd', run[1], total)
  end
  return table.concat(parts) .. table.concat(runs)
end

local expires, periods = 0, ''
for i, T in ipairs(shape) do
  local o = states[KEYS[i + 2]]
  if charged[i] then
    local add = true
    o.most = math.max(o.most, T.most)
    if T.kind == SUM then
      o.sum, add = math.min(sumOf(o) + amounts[i], LAST_SUM), amounts[i] > 0
      o.ends = ends[i]
    elseif T.kind == MEMBERS then
      addMember(i, T, o)
    elseif T.kind == WIDE then
      addToRuns(T, o)
    else
      addToLog(T, o)
    end
    if add then
      o.keep, o.add = T.keep, T
    end
    if T.count <= UNVERIFIED then
      expires = math.max(expires, T.kind == SUM and math.min(ends[i], event + MAX_HELD) or event + T.longest)
      if T.kind == SUM then
        periods = periods .. put('<d', ends[i])
      end
    end
  end
end

-- From here on, there are only writes.
for key, o in pairs(states) do
  local T = o.add or o.rewrite
  if T then
    local value
    if o.add then
      value = head(o, T.kind) .. format(T, o)
    else
      value = head(o, o.format or T.kind) .. (o.body or format(T, o))
    end
    local until_ = T.kind == SUM and o.ends + 60000 or event + T.ttl
    call('PSETEX', key, math.max(until_, o.ban) - now + slack, value)
  end
end
if expires > 0 and KEYS[2] ~= KEYS[1] then
  call('PSETEX', KEYS[2], expires - now + slack, put('<Bdd', 0, expires, event) .. ARGV[3] .. periods)
end
if wrote and event > seen + grain then
  if epoch == 0 then
    epoch = us
    answer[3] = epoch
  end
  call('PSETEX', KEYS[1], '34560000000', put('<dd', math.max(now, event - grain), epoch))
end
return answer
