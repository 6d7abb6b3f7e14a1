package redisledger

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
	"github.com/redis/go-redis/v9"
)

func TestZY(t *testing.T) {
	s := redistest.Start(t)
	c := s.Client()
	defer c.Close()
	ctx := context.Background()
	bench := func(name, text string, keys []string, args ...any) {
		sha, err := c.ScriptLoad(ctx, text).Result()
		if err != nil {
			t.Fatal(name, err)
		}
		best := time.Hour
		before := s.CPU()
		for range 5 {
			for range 20 {
				if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					for range 100 {
						p.EvalSha(ctx, sha, keys, args...)
					}
					return nil
				}); err != nil {
					t.Fatal(name, err)
				}
			}
			now := s.CPU()
			best = min(best, now-before)
			before = now
		}
		t.Logf("%-24s %6.2f µs", name, float64(best.Nanoseconds())/1e3/2000)
	}
	var keys []string
	for i := range 8 {
		keys = append(keys, fmt.Sprintf("{otp:gate}%022d", i))
	}
	long := strings.Repeat("x", 340)
	bench("return 1, no args", "return 1", nil)
	bench("return 3", "return {1,2,3}", nil)
	bench("return 1, 8 keys", "return 1", keys)
	bench("return 1, 8 keys 6 args", "return 1", keys, "1234567890123456", "", "r", long[:74], long, "")
	bench("time", "local c = redis.call('TIME') return 1", nil)
	bench("time us", "local c = redis.call('TIME') local us = c[1]*1000000+c[2] return 1", nil)
	bench("time us ret", "local c = redis.call('TIME') local us = c[1]*1000000+c[2] return {1,us,us}", nil)
	bench("mget8", "local c = redis.call('MGET', unpack(KEYS)) return 1", keys)
	loop := func(body string) string {
		return "local KEYS,call,put,get,sub=KEYS,redis.call,struct.pack,struct.unpack,string.sub local s='" + strings.Repeat("a", 42) + "' for i=1,10 do " + body + " end return 1"
	}
	bench("loop empty", loop(""), keys)
	bench("10 set px num", loop("call('SET', KEYS[1], s, 'PX', 3600000)"), keys)
	bench("10 set px str", loop("call('SET', KEYS[1], s, 'PX', '3600000')"), keys)
	bench("10 psetex str", loop("call('PSETEX', KEYS[1], '3600000', s)"), keys)
	bench("10 psetex fmt", loop("call('PSETEX', KEYS[1], string.format('%d', 3600000+i), s)"), keys)
	bench("10 psetex num", loop("call('PSETEX', KEYS[1], 3600000+i, s)"), keys)
	bench("10 set", loop("call('SET', KEYS[1], s)"), keys)
	bench("10 get", loop("call('GET', KEYS[1])"), keys)
	bench("10 put head", loop("put('>dddI4BB', 0, 1000000+i, 1, 3600, 0, 1)"), keys)
	bench("10 put head <", loop("put('<dddI4BB', 0, 1000000+i, 1, 3600, 0, 1)"), keys)
	bench("10 put dd <", loop("put('<dd', 1000000+i, 1)"), keys)
	bench("10 get head", loop("get('>dddI4BB', s)"), keys)
	bench("10 get d", loop("get('<d', s)"), keys)
	bench("10 sub", loop("sub(KEYS[1], -22)"), keys)
	bench("10 concat", loop("local x = s .. i"), keys)
	bench("10 math.max", loop("local x = math.max(i, 3)"), keys)
	bench("10 closure", loop("local x = function() return s end"), keys)
	bench("10 table", loop("local x = {1,2,3,i}"), keys)
}
