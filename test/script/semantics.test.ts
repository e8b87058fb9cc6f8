import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Flow, type Step } from '../../src/script/context.ts'
import { compileText, contextOf, FakeEnvironment, makeFunction, REPLY, run } from './harness.ts'

describe('truth and comparison', () => {
  it.each<[string, boolean]>([
    ['$rU', true],
    ['$var(none)', false],
    ['!$var(none)', true],
    ['$rU == "BOB"', true],
    ['$rU != "bob"', false],
    ['$rU < "bobby"', true],
    ['$rU >= "BOB"', true],
    ['$rU =~ "^B.B$"', true],
    ['$rU !~ "^x"', true],
    ['$rU =~ "^o"', false],
    ['$rp == 5070', true],
    ['$rp == "5070"', true],
    ['$rp > 5069', true],
    ['$rU == 5', false],
    ['!$rU == 5', false],
    ['$var(none) == NULL', true],
    ['$var(none) != NULL', false],
    ['$rU != NULL', true],
    ['$var(none) == "x"', false],
    ['$var(none) != "x"', true],
    ['$var(none) !~ "x"', true],
    ['$var(none) =~ "x"', false],
    ['$var(none) < 5', false],
    ['$var(none) != 5', true],
    ['$var(none) == $var(other)', true],
    ['$var(none) =~ $var(other)', true],
    ['$var(none) != $var(other)', false],
    ['$rU != $var(none)', true],
    ['$rU == $var(none)', false],
    ['$rU == $tU', true],
    ['$rp == $sp', false],
    ['$sp < $rp', false],
    ['$rU == $rp', false],
    ['$si == 127.0.0.0/8', true],
    ['$si == 127.0.0.9', true],
    ['$si != 10.0.0.0/8', true],
    ['$rU == 10.0.0.0/8', false],
    ['$rU != 10.0.0.0/8', false],
    ['method == "invite" && proto == UDP', true],
    ['src_ip == 127.0.0.0/8', true],
    ['msg:len > 100', true],
    ['ok() && fail()', false],
    ['ok() || fail()', true],
    ['fail() || ok() && fail()', false],
    ['!fail()', true],
    ['[$rp - 5070]', false],
    ['["x"]', true],
    ['5', true],
    ['0', false],
    ['$rU == 5 || ok()', false],
    ['$var(x) = 0', true],
    ['{ ok(); fail(); }', false],
  ])('%s is %s', async (condition, expected) => {
    const { out } = await run(`$var(out) = "no"; if (${condition}) $var(out) = "yes";`)
    expect(out).toBe(expected ? 'yes' : 'no')
  })

  it('takes the text "0" for true, the number 0 and empty text for false', async () => {
    const { out } = await run(
      '$var(a) = "0"; $var(b) = 0; $var(c) = ""; if ($var(a)) $var(out) = 1; if ($var(b)) $var(out) += 10; if ($var(c)) $var(out) += 100;',
    )
    expect(out).toBe(1)
  })

  it('logs a comparison of a text with a number, with its place', async () => {
    const { environment } = await run('if ($rU == 5) ok();')
    expect(environment.log.lines[0]).toMatchObject({ level: 'warn', fields: { file: 'test.cfg', line: 3, column: 5 } })
  })

  it('matches at lines and not across them with a constant pattern', async () => {
    const { out } = await run(
      '$var(t) = "ab\ncd"; $var(p) = "^cd$"; $var(q) = "b.c"; if ($var(t) =~ "^cd$" && $var(t) !~ "b.c" && !$var(t) =~ $var(p) && $var(t) =~ $var(q)) $var(out) = "ok";',
    )
    expect(out).toBe('ok')
  })
})

describe('arithmetic and assignment', () => {
  it.each<[string, unknown]>([
    ['$var(out) = 1 + 2 * 3;', 9],
    ['$var(out) = 7 / 2;', 3],
    ['$var(out) = -7 % 4;', -3],
    ['$var(out) = 6 & 3 | 8;', 10],
    ['$var(out) = 5 ^ 1;', 4],
    ['$var(out) = 1 << 4 >> 2;', 4],
    ['$var(out) = ~5;', -6],
    ['$var(out) = 2147483647 + 1;', -2147483648],
    ['$var(out) = "a" + $rU + 5;', 'abob5'],
    ['$var(out) = "a" + $var(none);', 'a'],
    ['$var(out) = 1 + $var(none);', 1],
    ['$var(out) = $var(none) + 2;', 2],
    ['$var(out) = "sip:$rU@$rd";', 'sip:bob@example.org'],
    ['$var(out) = "cost 5$, $$rU";', 'cost 5$, $rU'],
    ['$var(out) = "<$var(none)>";', '<<null>>'],
    ['$var(out) = "$rU.";', 'bob.'],
    ['$var(out) = "x"; $var(out) = 1 + "a";', 'x'],
    ['$var(out) = "x"; $var(out) = 1 / 0;', 'x'],
    ['$var(out) = "x"; $var(out) = "a" * 2;', 'x'],
    ['$var(out) = $rm == "INVITE";', 1],
    ['$var(out) = $rm == "BYE";', 0],
    ['$var(out) = 5; $var(out) += 3; $var(out) *= 2; $var(out) -= 1; $var(out) /= 2; $var(out) %= 4;', 3],
    ['$var(out) = 6; $var(out) &= 3; $var(out) |= 9; $var(out) ^= 1;', 10],
    ['$var(out) = "a"; $var(out) += "b";', 'ab'],
    ['$var(out) = "a"; $var(out) += 1;', 'a'],
    ['$var(out) += 1;', null],
    ['$var(out) = "a"; $var(out) = NULL;', null],
    ['$var(out) = $hdr(None);', null],
    ['$var(a) = "ab"; $var(b) = "  "; $var(out) = $var(a) ^ $var(b);', 'AB'],
    ['$avp(x) = 1; $avp(x) = 2; $var(out) = $(avp(x)[*]);', '2, 1'],
    ['$avp(x) = 1; $avp(x) = 2; $var(out) = $(avp(x)[-1]);', 1],
    ['$avp(x) = 1; $avp(x) := 2; $var(out) = $(avp(x)[*]);', '2'],
    ['$avp(x) = 1; $avp(x) = 2; $avp(x) = NULL; $var(out) = $(avp(x)[*]);', '1'],
    ['$avp(x) = 1; $avp(x) = 2; $avp(x) := NULL; $var(out) = $(avp(x)[*]);', null],
    ['$avp(x) = 1; $avp(x) = 2; $(avp(x)[1]) = 5; $var(out) = $(avp(x)[*]);', '2, 5'],
    ['$avp(x) = 1; $avp(x) = 2; $(avp(x)[0]) = NULL; $var(out) = $(avp(x)[*]);', '1'],
    ['$avp(x) = 1; $(avp(x)[append]) = 2; $var(out) = $(avp(x)[*]);', '1, 2'],
    ['$avp(s:x) = 1; $var(n) = "x"; $var(out) = $avp($var(n));', 1],
    ['$avp(x) = 1; $avp(x) = 2; $var(i) = 1; $var(out) = $(avp(x)[$var(i)]);', 1],
  ])('%s', async (statements, expected) => {
    expect((await run(statements)).out).toBe(expected)
  })

  it('gives 1 for an assignment that is done and −1 for one that is not', async () => {
    expect((await run('$var(x) = 5; $var(out) = $rc;')).out).toBe(1)
    expect((await run('$var(x) = 1 / 0; $var(out) = $rc;')).out).toBe(-1)
  })
})

describe('flow and return codes', () => {
  it.each<[string, unknown, string?]>([
    ['fail(); $var(out) = "on";', 'on'],
    ['stop(); $var(out) = "on";', null],
    ['if (stop()) ok(); $var(out) = "on";', null],
    ['if (ok() && stop() || ok()) ok(); $var(out) = "on";', null],
    ['exit; $var(out) = "on";', null],
    ['drop; $var(out) = "on";', null],
    ['return; $var(out) = "on";', null],
    ['give(7); $var(out) = $rc;', 7],
    ['$var(out) = give(7);', 7],
    ['$var(x) = give(-2); if (retcode == 1 && $var(x) == -2) $var(out) = "kept";', 'kept'],
    ['$var(x) = stop(); $var(out) = "on";', null],
    ['$avp(x) = 1; $avp(x) := later(3); $var(out) = $(avp(x)[*]);', '3'],
    ['give(-1); if (retcode == -1) $var(out) = "on";', 'on'],
    ['$var(out) = route(a);', 5, 'route[a] { return(5); }'],
    ['$var(out) = route(a);', null, 'route[a] { exit; }'],
    ['if (give(7)) $var(out) = $rc;', 7],
    ['if (!give(-3)) $var(out) = $retcode;', -3],
    ['if (fail()) ok(); $var(out) = $rc;', 0],
    ['if (!fail()) give(4); $var(out) = $rc;', 4],
    ['if (fail()) ok(); if ($rc == 0) $var(out) = "on";', 'on'],
    ['route(a); $var(out) = $rc;', 5, 'route[a] { return(5); }'],
    ['route(a); $var(out) = $rc;', -1, 'route[a] { ok(); fail(); }'],
    ['route(a); $var(out) = $rc;', 1, 'route[a] { return; }'],
    ['route(a); $var(out) = $rc;', 1, 'route[a] { }'],
    ['route(a); $var(out) = "on";', null, 'route[a] { return(0); }'],
    ['route(a); $var(out) = "on";', null, 'route[a] { exit; }'],
    ['route(a); $var(out) = $rc;', -1, 'route[a] { return($var(none)); }'],
    ['route(a); $var(out) = $rc;', 1, 'route[a] { return($rU); }'],
    ['if (route(a)) $var(out) = 1; else $var(out) = $rc;', -2, 'route[a] { return(-2); }'],
    ['route(a, 1, "$rU", $rp); $var(out) = "$param(1)";', '<null>', 'route[a] { $avp(x) = $param(2); }'],
    [
      'route(a, 1, "$rU", $rp, NULL); $var(out) = $avp(x);',
      '1 bob 5070 <null> <null>',
      'route[a] { $avp(x) = "$param(1) $param(2) $param(3) $param(4) $param(5)"; }',
    ],
    [
      'route(a, "x"); $var(out) = $avp(x);',
      'y x',
      'route[a] { route(b, "y"); $avp(x) = $avp(y) + " " + $param(1); } route[b] { $var(i) = 1; $avp(y) = $param($var(i)); }',
    ],
    ['route(a); $var(out) = "$return(0) $return(1) $return(2)";', 'x 5 <null>', 'route[a] { return(1, "x", 5); }'],
    ['$var(n) = "a"; route($var(n)); $var(out) = $rc;', 5, 'route[a] { return(5); }'],
    ['$var(n) = "none"; route($var(n)); $var(out) = $rc;', -1],
    ['$var(n) = "a"; route("x_$var(n)"); $var(out) = $rc;', 6, 'route[x_a] { return(6); }'],
    ['route(a); $var(out) = $rc;', -1, 'route[a] { route(a); return($rc); }'],
    ['$var(i) = 0; while ($var(i) < 5) { $var(i) += 1; if ($var(i) == 3) break; } $var(out) = $var(i);', 3],
    ['$var(i) = 0; while ($var(i) < 5) { $var(i) += 1; if ($var(i) == 3) return; } $var(out) = 1;', null],
    ['$var(i) = 0; while (1) $var(i) += 1; $var(out) = $var(i);', 10000],
    ['$var(out) = ""; $avp(x) = "a"; $avp(x) = "b"; for ($var(v) in $(avp(x)[*])) $var(out) += $var(v);', 'ba'],
    ['$avp(x) = "a"; $avp(x) = "b"; for ($var(v) in $(avp(x)[*])) { $var(out) = $var(v); break; }', 'b'],
    ['switch ($rU) { case "BOB": $var(out) = 1; break; default: $var(out) = 2; }', 1],
    ['switch ($rU) { case "x": $var(out) = 1; break; default: $var(out) = 2; }', 2],
    [
      '$var(out) = ""; switch ($rp) { case 1: $var(out) += "a"; case 5070: $var(out) += "b"; case 2: $var(out) += "c"; break; default: $var(out) += "d"; }',
      'bc',
    ],
    ['$var(out) = ""; switch ($rp) { case "5070": $var(out) += "a"; default: $var(out) += "d"; }', 'ad'],
    ['switch ($var(none)) { case "": $var(out) = 1; default: $var(out) = 2; }', 2],
    ['switch ($rU) { case "bob": if (fail()) ok(); break; } $var(out) = "on";', 'on'],
    ['switch ($rU) { case "bob": give(3); break; } $var(out) = $rc;', 3],
    ['switch ($rU) { case "bob": exit; } $var(out) = 1;', null],
    ['throws(); $var(out) = $rc;', -1],
  ])('%s gives %s', async (statements, expected, routes = '') => {
    expect((await run(statements, { routes })).out).toBe(expected)
  })

  it.each<[string, unknown, string?]>([
    ['later(7); $var(out) = $rc;', 7],
    ['if (later(-1)) $var(out) = "yes"; else $var(out) = "no";', 'no'],
    ['if (!later(-1) && later(2)) $var(out) = $rc;', 2],
    ['later(0); $var(out) = "on";', null],
    ['$var(i) = 0; while (later(1)) { $var(i) += 1; later(1); if ($var(i) == 3) break; } $var(out) = $var(i);', 3],
    ['$var(i) = 0; while ($var(i) < 3) { $var(i) += 1; later(1); } $var(out) = $var(i);', 3],
    ['switch ($rU) { case "bob": later(4); break; } $var(out) = $rc;', 4],
    ['route(a, 3); $var(out) = $rc;', 3, 'route[a] { later($param(1)); return($rc); }'],
    [
      '$var(out) = ""; $avp(x) = "a"; $avp(x) = "b"; for ($var(v) in $(avp(x)[*])) { later(1); $var(out) += $var(v); }',
      'ba',
    ],
  ])('waits: %s gives %s', async (statements, expected, routes = '') => {
    expect((await run(statements, { routes })).out).toBe(expected)
  })

  it('does not yield when nothing waits', () => {
    const { program, access, environment } = compileText(
      'route { if (ok()) route(a); note("done"); } route[a] { while (fail()) ok(); }',
    )
    const verdict = access.run(program.route('request', '0') as Step, contextOf())
    expect(verdict).toBe(1)
    expect(environment.calls).toEqual(['note(done)'])
  })

  it('marks the message on drop', async () => {
    expect((await run('drop;')).m.dropped).toBe(true)
    expect((await run('exit;')).m.dropped).toBe(false)
  })

  it('says where a while was stopped', async () => {
    const { environment } = await run('while (1) ok();', { settings: 'max_while_loops=5' })
    expect(environment.log.lines).toMatchObject([{ level: 'error', fields: { line: 3, rounds: 5 } }])
  })

  it('says where a function broke', async () => {
    const { environment } = await run('ok();\nthrows();')
    expect(environment.log.lines).toMatchObject([
      { message: 'function failed', fields: { line: 4, column: 1, function: 'throws', reason: 'broken' } },
    ])
  })

  it('starts a second run on the same context afresh', async () => {
    const { program, access } = compileText(
      'route { exit; } failure_route[f] { $var(out) = "$route.type $route.name $rc"; }',
    )
    const m = contextOf()
    await access.run(program.route('request', '0') as Step, m)
    expect(m.flow).toBe(Flow.exit)
    await access.run(program.route('failure', 'f') as Step, m)
    expect(access.variable('$var(out)').get(m)).toBe('failure_route f 1')
  })
})

describe('logging', () => {
  it.each<[string, string[]]>([
    ['xlog("a $rU\\n");', ['2:a bob']],
    ['xlog("L_ERR", "e");', ['-1:e']],
    ['xlog("L_INFO", "hidden");', []],
    ['$var(l) = 1; xlog($var(l), "w");', ['1:w']],
    ['xdbg("hidden");', []],
    ['log("raw $rU"); log(-1, "x"); error("a", "b");', ['2:raw $rU', '-1:x', '-1:a: b']],
    ['$xlog_level = 4; xdbg("shown"); $xlog_level = NULL; xdbg("hidden");', ['4:shown']],
  ])('%s prints %j', async (statements, expected) => {
    expect((await run(statements)).environment.printed).toEqual(expected)
  })

  it('refuses a line that is longer than xlog_buf_size', async () => {
    const { environment } = await run('xlog("$ru$ru$ru");', { settings: 'xlog_buf_size=50' })
    expect(environment.printed).toEqual([])
    expect(environment.log.lines).toMatchObject([{ level: 'error', fields: { limit: 50 } }])
  })
})

describe('assert', () => {
  it('runs the error route and stops where it fails', async () => {
    const { out, environment } = await run('assert($rU == "x", "wrong user"); note("on");', {
      settings: 'enable_asserts=1',
      routes: 'error_route { $var(out) = "$err.class $err.rcode $err.info"; }',
    })
    expect(out).toBe('4 500 wrong user')
    expect(environment.printed).toEqual(['-2:ASSERTION FAILED (wrong user) at test.cfg:3'])
    expect(environment.calls).toEqual([])
  })

  it('does nothing when asserts are off, or hold', async () => {
    expect((await run('assert($rU == "x"); note("on");')).environment.calls).toEqual(['note(on)'])
    const on = await run('assert($rU == "bob"); note("on");', { settings: 'enable_asserts=yes' })
    expect(on.environment.calls).toEqual(['note(on)'])
  })
})

describe('a variable that throws', () => {
  const broken = (): FakeEnvironment => {
    const environment = new FakeEnvironment()
    const get = (): never => {
      throw new Error('broken')
    }
    environment.pvars.set('broken', { spec: { type: 'any', writable: false, doc: '' }, open: () => ({ get }) })
    return environment
  }
  const FAULT = { message: 'route failed', fields: { file: 'test.cfg', line: 5, column: 2, reason: 'broken' } }

  it.each(['', 'later(1);'])('ends the run, and the log says where (behind "%s")', async before => {
    const environment = broken()
    const { verdict } = await run(`${before}\nif (1)\n $var(x) = $broken; note("never");`, { environment })
    expect([verdict, environment.calls]).toEqual([-1, []])
    expect(environment.log.lines.at(-1)).toMatchObject(FAULT)
  })

  it('costs a condition no other place than its own', async () => {
    const environment = broken()
    await run('\n\n if ($broken == 1) exit;', { environment })
    expect(environment.log.lines.at(-1)).toMatchObject({ fields: { line: 5, column: 2 } })
  })
})

describe('async and launch', () => {
  it('ends the run and goes on in the resume route with the return code', async () => {
    const { out, environment } = await run('$avp(x) = 1; async(later(-2), done); note("never");', {
      routes: 'route[done] { $var(out) = "$rc $avp(x) $route.name"; }',
    })
    expect(out).toBe('-2 1 done')
    expect(environment.calls).toEqual([])
  })

  it('gives the call to the environment when it takes it', async () => {
    const environment = new FakeEnvironment()
    const seen: string[] = []
    environment.startAsync = async (m, call) => {
      seen.push(call.text)
      return call.resume(m, (await call.start(m)) + 1)
    }
    const { out } = await run('route(a);', {
      environment,
      routes: 'route[a] { async(later(1), done, 5); note("never"); } route[done] { $var(out) = $rc; }',
    })
    expect(out).toBe(2)
    expect(seen).toEqual(['later() at test.cfg:5'])
    expect(environment.calls).toEqual([])
  })

  it('launches beside the script and reports on the dummy request', async () => {
    const { environment } = await run('$avp(x) = 1; launch(later(3), report, "for $rU"); note("on");', {
      routes: 'route[report] { note("$rm $rc $param(1) $avp(x)"); }',
    })
    await turn()
    expect(environment.calls).toEqual(['note(on)', 'note(DUMMY 3 for bob <null>)'])
  })

  it.each(['at once', 'by a promise'])('a report that launches again leaves others their turn: done %s', async how => {
    const environment = new FakeEnvironment()
    let rounds = 0
    const work = () => {
      rounds++
      return how === 'at once' ? 1 : Promise.resolve(1)
    }
    environment.functions.set(
      'work',
      makeFunction('', () => work, { async: true }),
    )
    environment.pvars.set('rounds', {
      spec: { type: 'any', writable: false, doc: '' },
      open: () => ({ get: () => rounds }),
    })
    await run('launch(work(), again);', {
      environment,
      routes: 'route[again] { if ($rounds < 1000) launch(work(), again); }',
    })
    await turn()
    expect(rounds).toBeLessThan(10)
    while (rounds < 1000) await turn()
  })
})

describe('arguments', () => {
  it('take numbers for text, quoted numbers for numbers, and variables in quotes for variables', async () => {
    const environment = new FakeEnvironment()
    environment.functions.set(
      'put',
      makeFunction(
        'var str',
        (v, t) => m =>
          (v as never as { constant: { set(m: unknown, v: unknown): boolean } }).constant.set(
            m,
            (t as never as { read(m: unknown): string }).read(m),
          )
            ? 1
            : -1,
      ),
    )
    const { out } = await run(
      'give("10"); put("$var(out)", 5); $var(n) = "7"; give($var(n)); give("$var(n)"); note(404, "$rU", );'.replace(
        ', );',
        ');',
      ),
      { environment },
    )
    expect(out).toBe('5')
    expect(environment.calls).toEqual(['note(404, bob)'])
  })

  it.each<[string, string]>([
    ['note($var(none));', '$var(none)'],
    ['give($rU);', '$rU'],
    ['give("x$var(none)");', 'x$var(none)'],
  ])('%s fails and says which argument', async (statement, argument) => {
    const { out, environment } = await run(`${statement} $var(out) = $rc;`)
    expect(out).toBe(-1)
    expect(environment.log.lines).toMatchObject([
      { message: 'argument has no usable value', fields: { argument, line: 3 } },
    ])
  })

  it('read a NULL variable inside a text as <null>', async () => {
    expect((await run('note("a $var(none)");')).environment.calls).toEqual(['note(a <null>)'])
  })
})

it('keeps $rc of the reply route apart from the request', async () => {
  const { program, access } = compileText('onreply_route { $var(out) = "$rs $rr $(<request>ru) $(<reply>rs)"; }')
  const m = contextOf(REPLY, 'onreply')
  m.request = contextOf()
  await access.run(program.route('onreply', '') as Step, m)
  expect(access.variable('$var(out)').get(m)).toBe('486 Busy Here sip:bob@example.org:5070;transport=tcp 486')
})
