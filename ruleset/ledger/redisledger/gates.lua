-- Notes that a gate is there, and tells who else is.
--
-- KEYS: the gates. ARGV: 1 the gate, 16 bytes; 2 its mark, 8 bytes, or '' if
-- it goes.
--
-- Returns those of the last minute, 32 bytes each: gate, mark, and when it was
-- there, in milliseconds of the server's clock.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local was = redis.call('GET', KEYS[1]) or ''
local there = {}
if ARGV[2] ~= '' then
  there[1] = ARGV[1] .. ARGV[2] .. struct.pack('<d', now)
end
for at = 1, #was, 32 do
  local seen = struct.unpack('<d', was, at + 24)
  if string.sub(was, at, at + 15) ~= ARGV[1] and math.abs(now - seen) < 60000 and #there < 1000 then
    there[#there + 1] = string.sub(was, at, at + 31)
  end
end
local is = table.concat(there)
if is == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('PSETEX', KEYS[1], 60000, is)
end
return is
