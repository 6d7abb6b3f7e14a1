{{- /*
The script of one shape: the ordinary cases of charge.lua, written out for the
tallies that are charged, with their numbers in place. It does, and leaves
behind, exactly what charge.lua would. Where a case is not ordinary (a ban, a
counter in another format, a clock that is behind, runs to be merged, ...) it
breaks off before the first write, and charge.lua follows.
*/ -}}
{{define "short"}}{{if .Ban}}break{{else}}
      answer = answer or {2, us, epoch}
      answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = {{.Charge}}, {{.Index}}, wait, {{if .Shadow}}2{{else}}0{{end}}
      n = n + 4
      {{- if not .Shadow}}
      refused = true
      {{- if .Requests}}
      full = true
      {{- end}}{{end}}{{end}}{{end -}}
repeat
if not values[1] or now < seen or values[2]{{if not .Hold}} and KEYS[2] ~= KEYS[1]{{end}} then break end
local answer, n, refused, full = nil, 3, false, false
{{range .Parts -}}
local s{{.I}}, t{{.I}}, c{{.I}}, w{{.I}} = values[{{.Key}}]
{{end}}
{{- if .Asks}}{{range .Parts}}{{$p := .}}
-- {{.What}}
{{- if .Members}}
local m{{.I}} = sub(ARGV[4], {{.Own}}, {{add .Own 7}})
{{- end}}
{{- if .Sum}}
local e{{.I}}, a{{.I}}
do
  local a, b, c, d
  a, b, c, d, a{{.I}} = get('<ddddd', ARGV[4], {{.Own}})
  if now < a or now >= d then break end
  e{{.I}} = now < b and b or now < c and c or d
  c{{.I}} = 0
end
{{- end}}
if s{{.I}} then
  local format, keep = byte(s{{.I}}, 1, 2)
  if format ~= {{.Format}} or keep < {{.Keep}} then break end
  {{- if .Log}}{{range .Limits}}
  if #s{{$p.I}} >= {{add 2 (mul 8 .Max)}} then
    local wait = get('<d', s{{$p.I}}, #s{{$p.I}} - {{sub (mul 8 .Max) 1}}) + {{.Window}} - now
    if wait > 0 then {{template "short" .}}
    end
  end
  {{- end}}
  {{- else if .Wide}}
  local first = 12 + 8 * byte(s{{.I}}, 11)
  t{{.I}}, c{{.I}} = get('<dd', s{{.I}}, first)
  {{- range .Limits}}
  if c{{$p.I}} >= {{.Max}} then
    {{- if .Cell}}
    local from = t{{$p.I}}
    for at = first + 16, #s{{$p.I}}, 16 do
      local t, c = get('<dd', s{{$p.I}}, at)
      if c <= c{{$p.I}} - {{.Max}} then break end
      from = t
    end
    local wait = from + {{.Window}} - now
    {{- else}}
    local known = byte(s{{$p.I}}, 11)
    if known < {{.Max}} then break end
    local wait = get('<d', s{{$p.I}}, 12 + 8 * (known - {{.Max}})) + {{.Window}} - now
    {{- end}}
    if wait > 0 then {{template "short" .}}
    end
  end
  {{- end}}
  {{- else if .Members}}
  local at = find(s{{.I}}, m{{.I}}, 11, true)
  while at and at % 20 ~= 11 do
    at = find(s{{.I}}, m{{.I}}, at + 1, true)
  end
  local last = {{.Never}}
  if at then
    last = get('<d', s{{.I}}, at + 8)
    t{{.I}} = at
  end
  {{- range .Limits}}
  if now - last >= {{.Window}} and #s{{$p.I}} >= {{add 10 (mul 20 .Max)}} then
    local wait = get('<d', s{{$p.I}}, #s{{$p.I}} - {{sub (mul 20 .Max) 9}}) + {{.Window}} - now
    if wait > 0 then {{template "short" .}}
    end
  end
  {{- end}}
  {{- else if .Sum}}
  local ends, sum = get('<dd', s{{.I}}, 3)
  if now < ends then c{{.I}} = sum end
  {{- end}}
end
{{- if .Sum}}{{range .Limits}}
if a{{$p.I}} > 0 and c{{$p.I}} + a{{$p.I}} > {{.Max}} then
  local wait = e{{$p.I}} - now
  {{template "short" .}}
end
{{- end}}{{end}}
{{- end}}
{{- else}}{{range .Parts}}
-- {{.What}}
if s{{.I}} then
  local format, keep = byte(s{{.I}}, 1, 2)
  if format ~= {{.Format}} or keep < {{.Keep}} then break end
  t{{.I}}, c{{.I}} = get('<dd', s{{.I}}, 12)
end
{{- end}}{{end}}
{{- if .Writes}}

local charged = {{.Charged}}
if charged then
  local ev = put('<d', event)
  {{- range .Parts}}{{if .Charged}}
  {{- if .Guard}}
  if {{.Guard}} then
  {{- end}}
  {{- if .Log}}
  if not s{{.I}} then
    w{{.I}} = '{{.Head}}' .. ev
  else
    if get('<d', s{{.I}}, #s{{.I}} - 7) > event then break end
    w{{.I}} = '{{.Head}}' .. sub(s{{.I}}, #s{{.I}} >= {{add 2 (mul 8 .Most)}} and #s{{.I}} - {{sub (mul 8 (sub .Most 1)) 1}} or 3) .. ev
  end
  {{- else if .Wide}}
  if not s{{.I}} then
    {{- if .Most}}
    w{{.I}} = '{{.Head}}' .. put('<dBddd', event - 1, 1, event, event, 1)
    {{- else}}
    w{{.I}} = '{{.Head}}' .. put('<dBdd', event - 1, 0, event, 1)
    {{- end}}
  else
    local known = byte(s{{.I}}, 11)
    if t{{.I}} > event{{if not .Most}} or known > 0{{end}} then break end
    local run = put('<dd', event, c{{.I}} + 1)
    local joins = event - event % {{.Cell}} == t{{.I}} - t{{.I}} % {{.Cell}}
    if not joins then
      local runs = (#s{{.I}} + 5 - 8 * known) / 16
      if runs >= 24 and runs % 8 == 0 then break end
    end
    {{- if .Most}}
    local from = 12
    if known >= {{.Most}} then
      from = 12 + 8 * (known - {{sub .Most 1}})
    end
    w{{.I}} = '{{.Head}}' .. sub(s{{.I}}, 3, 10) .. char(known >= {{.Most}} and {{.Most}} or known + 1) .. sub(s{{.I}}, from, 11 + 8 * known) .. ev .. run .. sub(s{{.I}}, (joins and 28 or 12) + 8 * known)
    {{- else}}
    if joins then
      t{{.I}} = run
    else
      w{{.I}} = '{{.Head}}' .. sub(s{{.I}}, 3, 11) .. run .. sub(s{{.I}}, 12)
    end
    {{- end}}
  end
  {{- else if .Members}}
  if not s{{.I}} then
    w{{.I}} = '{{.Head}}' .. put('<d', event - 1) .. m{{.I}} .. ev .. '\1\0\0\0'
  else
    if #s{{.I}} < 30 or get('<d', s{{.I}}, #s{{.I}} - 11) > event then break end
    local at = t{{.I}}
    if at then
      local last, had = get('<dI4', s{{.I}}, at + 8)
      if now - last >= {{.Longest}} or had >= 4294967295 then break end
      w{{.I}} = '{{.Head}}' .. sub(s{{.I}}, 3, at - 1) .. sub(s{{.I}}, at + 20) .. m{{.I}} .. put('<dI4', event, had + 1)
    else
      if #s{{.I}} >= {{add 10 (mul 20 .Most)}} or now - get('<d', s{{.I}}, 19) >= {{.Longest}} then break end
      w{{.I}} = '{{.Head}}' .. sub(s{{.I}}, 3) .. m{{.I}} .. ev .. '\1\0\0\0'
    end
  end
  {{- else if .Sum}}
  if a{{.I}} > 0 then
    local sum = c{{.I}} + a{{.I}}
    w{{.I}} = '\6\0' .. put('<dd', e{{.I}}, sum > 9007199254740992 and 9007199254740992 or sum)
  end
  {{- end}}
  {{- if .Guard}}
  end
  {{- end}}
  {{- end}}{{end}}

  -- From here on, there are only writes.
  {{- range .Parts}}{{if .Charged}}
  {{- if .Sum}}
  if w{{.I}} then call('PSETEX', KEYS[{{.Key}}], far or e{{.I}} + 60000 - now, w{{.I}}) end
  {{- else if and .Wide (not .Most)}}
  if w{{.I}} then
    call('PSETEX', KEYS[{{.Key}}], far or '{{.TTL}}', w{{.I}})
  {{- if .Guard}}
  elseif {{.Guard}} then
  {{- else}}
  else
  {{- end}}
    call('SETRANGE', KEYS[{{.Key}}], '11', t{{.I}})
  end
  {{- else}}
  {{if .Guard}}if w{{.I}} then {{end}}call('PSETEX', KEYS[{{.Key}}], far or '{{.TTL}}', w{{.I}}){{if .Guard}} end{{end}}
  {{- end}}
  {{- end}}{{end}}
  {{- if .Hold}}
  {{- if .Held}}
  {{if .Guarded}}if not refused then{{end}}
  {{- if .Sums}}
  local expires = {{.HeldWindow}} > 0 and event + {{.HeldWindow}} or 0
  {{- range .Parts}}{{if .Sum}}
  if e{{.I}} > expires then expires = math.min(e{{.I}}, math.max(expires, event + {{$.MaxHeld}})) end
  {{- end}}{{end}}
  call('PSETEX', KEYS[2], far or expires - now, put('<Bdd', 0, expires, event) .. ARGV[3]{{range .Parts}}{{if .Sum}} .. put('<d', e{{.I}}){{end}}{{end}})
  {{- else}}
  call('PSETEX', KEYS[2], far or '{{.HeldTTL}}', put('<Bdd', 0, event + {{.HeldWindow}}, event) .. ARGV[3])
  {{- end}}
  {{if .Guarded}}end{{end}}
  {{- end}}{{end}}
  if event > seen + grain then
    call('PSETEX', KEYS[1], '34560000000', put('<dd', math.max(now, event - grain), epoch))
  end
end
{{- end}}
if answer then
  if not refused then answer[1] = 1 end
  return answer
end
do return {1, us, epoch} end
until true
