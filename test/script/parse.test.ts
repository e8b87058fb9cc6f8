import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ConditionNode, StatementNode, ValueNode } from '../../src/script/ast.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'

const parse = (text: string) => loadScript('t.cfg', memoryReader({ 't.cfg': text }))
const errors = (text: string): string[] =>
  parse(text)
    .diagnostics.filter(found => found.severity === 'error')
    .map(({ line, column, message }) => `${line}:${column} ${message}`)
const body = (text: string): readonly StatementNode[] => {
  const script = parse(`route {\n${text}\n}`)
  expect(script.diagnostics.filter(found => found.severity === 'error')).toEqual([])
  return script.routes[0]?.body ?? []
}

/** A condition in prefix form. */
function cond(node: ConditionNode): string {
  switch (node.type) {
    case 'and':
    case 'or':
      return `(${node.type} ${cond(node.left)} ${cond(node.right)})`
    case 'not':
      return `(not ${cond(node.operand)})`
    case 'compare':
      return `(${node.left.text} ${node.op} ${node.right.type === 'null' ? 'NULL' : 'value' in node.right ? JSON.stringify(node.right.value) : node.right.text})`
    case 'test':
      return value(node.value)
    case 'run':
      return `{${node.body.map(statement).join(' ')}}`
  }
}
function value(node: ValueNode): string {
  if (node.type === 'binary') return `(${value(node.left)} ${node.op} ${value(node.right)})`
  if (node.type === 'complement') return `~${value(node.operand)}`
  if (node.type === 'truth') return cond(node.condition)
  if (node.type === 'null') return 'NULL'
  return node.type === 'variable' ? node.text : JSON.stringify(node.value)
}
function statement(node: StatementNode): string {
  switch (node.type) {
    case 'call':
      return `${node.name}(${node.args.map(arg => (arg === undefined ? '' : value(arg))).join(',')})`
    case 'assign':
      return `${node.target.text}${node.op}${value(node.value)}`
    case 'if':
      return `if ${cond(node.condition)} [${node.then.map(statement)}]${node.otherwise === undefined ? '' : ` else [${node.otherwise.map(statement)}]`}`
    case 'while':
      return `while ${cond(node.condition)} [${node.body.map(statement)}]`
    case 'foreach':
      return `for ${node.iterator.text} in ${node.source.text} [${node.body.map(statement)}]`
    case 'switch':
      return `switch ${node.subject.text} ${node.cases.map(one => `${one.value === undefined ? 'default' : value(one.value)}:[${one.body.map(statement)}]`).join(' ')}`
    case 'return':
      return `return(${[node.code, ...node.extra].map(one => (one === undefined ? '' : value(one))).join(',')})`
    case 'log':
      return `log(${node.level === undefined ? '' : value(node.level)},${JSON.stringify(node.text.value)},${node.raw})`
    case 'route':
      return `route(${value(node.name)}${node.args.map(arg => `,${value(arg)}`).join('')})`
    case 'async':
      return `async(${statement(node.call)},${node.resume.value},${node.timeoutS})`
    case 'launch':
      return `launch(${statement(node.call)},${node.report?.value},${node.param?.value})`
    case 'assert':
      return `assert(${cond(node.condition)},${node.info})`
    default:
      return node.type
  }
}

describe('conditions', () => {
  it.each<[string, string]>([
    ['!$rm=="REGISTER"', '(not ($rm == "REGISTER"))'],
    ['not $rU', '(not $rU)'],
    ['$a == 1 || $b == 2 && $c == 3', '(and (or ($a == 1) ($b == 2)) ($c == 3))'],
    ['a() and b() or c()', '(or (and {a()} {b()}) {c()})'],
    ['$ru =~ "^sip:"', '($ru =~ "^sip:")'],
    ['$rU == NULL', '($rU == NULL)'],
    ['$si == 10.0.0.0/8', '($si == 10.0.0.0/8)'],
    ['$rs == -1', '($rs == -1)'],
    ['[$var(a) + 1]', '($var(a) + 1)'],
    ['($a && (b()))', '(and $a {b()})'],
    ['1', '1'],
    ['$var(x) = 5', '{$var(x)=5}'],
    ['{ a(); b(); }', '{a() b()}'],
    ['if ($a) b();', '{if $a [b()]}'],
    ['method=="INVITE"', '($rm == "INVITE")'],
    ['uri=~"^sip:"', '($ru =~ "^sip:")'],
    ['from_uri!="x"', '($fu != "x")'],
    ['to_uri=="x"', '($tu == "x")'],
    ['status=="200"', '($rs == "200")'],
    ['retcode<0', '($rc < 0)'],
    ['msg:len>=2048', '($ml >= 2048)'],
    ['msg:len>max_len', '($ml > 65535)'],
    ['af==INET6', '($af == "INET6")'],
    ['proto==UDP', '($pr == "UDP")'],
    ['src_ip==10.0.0.1', '($si == 10.0.0.1)'],
    ['dst_ip==10.0.0.0/8', '($Ri == 10.0.0.0/8)'],
    ['src_port==5060', '($sp == 5060)'],
    ['dst_port!=5060', '($Rp != 5060)'],
    ['uri==myself', '{is_myself("$rd","$rp")}'],
    ['uri!=myself', '(not {is_myself("$rd","$rp")})'],
    ['src_ip==myself', '{is_myself("$si")}'],
  ])('reads %s', (text, expected) => {
    const node = body(`if (${text}) x();`)[0]
    expect(node?.type === 'if' ? cond(node.condition) : node).toBe(expected)
  })
})

describe('statements', () => {
  it.each<[string, string]>([
    ['$var(a) = 1+2*3;', '$var(a)=((1 + 2) * 3)'],
    ['$var(a) = 1 | 2 + 3;', '$var(a)=(1 | (2 + 3))'],
    ['$var(a) = ~(1 << 2);', '$var(a)=~(1 << 2)'],
    ['$var(a) = "x" + $rU + "y";', '$var(a)=(("x" + $rU) + "y")'],
    ['$var(a) = $rm == "INVITE";', '$var(a)=($rm == "INVITE")'],
    ['$avp(a) := NULL;', '$avp(a):=NULL'],
    ['$var(a) += 1;', '$var(a)+=1'],
    ['exit(); drop(); drop; return;', 'exit drop drop return()'],
    [
      'return 1; return(-1); return $var(a); return(1, "x", NULL, 3);',
      'return(1) return(-1) return($var(a)) return(1,"x",NULL,3)',
    ],
    ['append_branch; force_rport; revert_uri;', 'append_branch() force_rport() revert_uri()'],
    ['f("a", , $avp(x)); f(); f("a",);', 'f("a",,$avp(x)) f() f("a",)'],
    ['setflag(FLAG); force_send_socket(udp:1.2.3.4:5060);', 'setflag("FLAG") force_send_socket("udp:1.2.3.4:5060")'],
    [
      'route(1); route(x, 1, "a", $rU, NULL); route("a b"); route($var(n));',
      'route("1") route("x",1,"a",$rU,NULL) route("a b") route($var(n))',
    ],
    [
      'xlog("a" "b"); xlog("L_WARN", "x"); xlog($var(l), "x"); xlog(L_ERR, "x"); xdbg("d");',
      'log(,"ab",false) log(1,"x",false) log($var(l),"x",false) log(-1,"x",false) log(4,"d",false)',
    ],
    ['log("a"); log(-1, "a"); error("a", "b");', 'log(,"a",true) log(-1,"a",true) log(-1,"a: b",true)'],
    [
      'async(rest_get("u", $var(b)), done); async(f(), r, 5);',
      'async(rest_get("u",$var(b)),done,undefined) async(f(),r,5)',
    ],
    [
      'launch(f()); launch(f(), r); launch(f(), r, "p");',
      'launch(f(),undefined,undefined) launch(f(),r,undefined) launch(f(),r,p)',
    ],
    ['assert($rU != NULL, "no user");', 'assert(($rU != NULL),no user)'],
    ['if ($a) x(); else if ($b) { y(); } else z();', 'if $a [x()] else [if $b [y()] else [z()]]'],
    ['if ($a) {} else {}', 'if $a [] else []'],
    ['if ($a) { exit; };', 'if $a [exit]'],
    ['while ($a < 3) { $a += 1; if ($b) break; }', 'while ($a < 3) [$a+=1,if $b [break]]'],
    ['for ($var(i) in $(avp(x)[*])) f($var(i));', 'for $var(i) in $(avp(x)[*]) [f($var(i))]'],
    [
      'switch ($rU) { case "a": x(); break; case -2: case 3: y(); default: z(); esac; }',
      'switch $rU "a":[x(),break] -2:[] 3:[y()] default:[z(),break]',
    ],
    ['{ a(); { b(); } }', 'a() b()'],
    [';;a();;', 'a()'],
  ])('reads %s', (text, expected) => {
    expect(body(text).map(statement).join(' ')).toBe(expected)
  })
})

describe('top level', () => {
  it('reads every kind of route', () => {
    const script = parse(`
      route { } route[0x] { } route [ a ] { exit; }; failure_route[1] {} onreply_route {} onreply_route["r r"] {}
      branch_route[b] {} error_route {} local_route {} startup_route {} timer_route[t, 30] {}
      event_route [E_A] {} event_route[E_B, sync] {} event_route[E_C,async] {}`)
    expect(script.diagnostics).toEqual([])
    expect(script.routes.map(({ kind, name, intervalS, mode }) => [kind, name, intervalS, mode])).toEqual([
      ['request', '0', 0, null],
      ['request', '0x', 0, null],
      ['request', 'a', 0, null],
      ['failure', '1', 0, null],
      ['onreply', '', 0, null],
      ['onreply', 'r r', 0, null],
      ['branch', 'b', 0, null],
      ['error', '', 0, null],
      ['local', '', 0, null],
      ['startup', '', 0, null],
      ['timer', 't', 30, null],
      ['event', 'E_A', 0, null],
      ['event', 'E_B', 0, 'sync'],
      ['event', 'E_C', 0, 'async'],
    ])
  })

  it('reads settings, modules and parameters', () => {
    const script = parse(`
      debug=3
      log_name="x"; check_via=no
      log_facility=LOG_LOCAL0
      advertised_address=1.2.3.4
      mpath="/a":"/b"
      auto_scaling_profile = P scale up to 6 on 70% for 4 cycles within 5
      auto_scaling_profile = PROFILE_SIP
         scale up to 6 on 70% for 4 cycles within 5
         scale down to 2 on 20% for 5 cycles
      udp_workers=4 use_auto_scaling_profile P
      loadmodule "modules/sl/sl.so"
      modparam("a|b", "name", -5)
      modparam("c", "text", "x" "y")`)
    expect(script.diagnostics).toEqual([])
    expect(script.settings.map(({ name, value }) => [name, value])).toEqual([
      ['debug', 3],
      ['log_name', 'x'],
      ['check_via', 0],
      ['log_facility', 'LOG_LOCAL0'],
      ['advertised_address', '1.2.3.4'],
      ['udp_workers', 4],
    ])
    expect(script.loadModules.map(({ path }) => path)).toEqual(['modules/sl/sl.so'])
    expect(script.modparams.map(({ modules, name, value }) => [modules.value, name.value, value.value])).toEqual([
      ['a|b', 'name', -5],
      ['c', 'text', 'xy'],
    ])
  })
})

describe('faults', () => {
  it.each<[string, string[]]>([
    ['route {\n  $var(rc) = 1 + give(2);\n}', ['2:18 the result of give() cannot be part of a calculation']],
    ['route {\n  a()\n  b();\n}', ['2:6 expected ";" behind the statement']],
    [
      'route {\n  a() b();\n  c(;\n  d();\n}',
      ['2:6 expected ";" behind the statement', '3:5 expected an argument: a number, a "text" or a $variable'],
    ],
    [
      'route {\n  if ($a == ) { f(; }\n  g(;\n}',
      [
        '2:13 expected a value to compare with, got ")"',
        '2:19 expected an argument: a number, a "text" or a $variable',
        '3:5 expected an argument: a number, a "text" or a $variable',
      ],
    ],
    [
      'route {\n  foo;\n  if ($a { b(); }\n}',
      ['2:6 expected "(" behind foo, got ";"', '3:10 expected ")" to close the condition, got "{"'],
    ],
    ['route {\n  a();\n\nroute[x] { b(); }', ['2:7 expected "}" before "route"']],
    ['route {\n  a();', ['2:7 expected "}" before the end of the file']],
    [
      'route { a(); } }\nroute[x] { b(; }',
      [
        '1:16 expected a setting, loadmodule, modparam or a route, got "}"',
        '2:14 expected an argument: a number, a "text" or a $variable',
      ],
    ],
    ['route { else a(); }', ['1:9 "else" without an "if" before it']],
    ['route { break; }', ['1:9 "break" outside of a while, for or switch']],
    ['route { case 1: a(); }', ['1:9 "case" outside of a switch']],
    ['route { switch ($a) { default: b(); case 1: c(); } }', ['1:37 "case" behind "default"']],
    ['route { if (method = "X") a(); }', ['1:20 expected "(" behind method, got "="']],
    ['route { if (foo == 1) a(); }', ['1:13 "foo" cannot be compared']],
    ['route { if ($a < NULL) a(); }', ['1:18 NULL is compared by == or !=']],
    ['route { if ($a =~ 5) a(); }', ['1:19 =~ takes a regular expression in quotes, or a variable']],
    ['route { if ($a == abc) a(); }', ['1:19 expected a value to compare with, got "abc"']],
    ['route { $var(a) 5; }', ['1:17 expected "=" behind $var(a), got "5"']],
    ['route { $var(a) += NULL; }', ['1:20 NULL is assigned by = or :=']],
    ['route { xlog("FOO", "x"); }', ['1:14 expected L_ALERT, L_CRIT, L_ERR, L_WARN, L_NOTICE, L_INFO or L_DBG']],
    ['route { f(1,2,3,4,5,6,7,8,9,10); }', ['1:9 f() has 10 arguments: the most is 9']],
    ['route { async(f()); }', ['1:18 expected "," behind the call: async() takes the route to resume with, got ")"']],
    ['route[a] {}\nroute[b] {}\nroute[a] {}', ['3:1 route[a] is defined twice']],
    ['route {}\nroute[0] {}', ['2:1 route is defined twice']],
    ['timer_route[t, 0] {}', ['1:16 expected at least 1 second, got 0']],
    ['timer_route[t] {}', ['1:14 expected "," and the seconds between two runs, got "]"']],
    ['failure_route {}', ['1:15 expected "[" and the name of the route, got "{"']],
    ['event_route[E, later] {}', ['1:16 expected sync or async, got "later"']],
    ['loadmodul "x.so"\nlistn\ndebug=3', ['1:1 expected a setting, loadmodule, modparam or a route, got "loadmodul"']],
    [
      'modparam("a" "b", 1)\nroute { f(; }',
      [
        '1:14 expected "," behind the module, got the string "b"',
        '2:11 expected an argument: a number, a "text" or a $variable',
      ],
    ],
    [
      'socket=udpp:127.0.0.1:5060\nlisten=udp:127.0.0.1:99999',
      ['1:8 unknown protocol "udpp"', '2:22 expected a port from 0 to 65535'],
    ],
  ])('are each reported once: %j', (text, expected) => {
    expect(errors(text)).toEqual(expected)
  })
})

describe('scripts of users', () => {
  const fixtures = join(import.meta.dirname, 'fixtures')
  const golden = join(import.meta.dirname, '../fixtures/golden')
  const files = [
    ...readdirSync(fixtures).map(name => join(fixtures, name)),
    ...readdirSync(golden, { recursive: true, encoding: 'utf8' }).map(name => join(golden, name)),
  ].filter(path => path.endsWith('.cfg'))

  it.each(files.map(path => [path.slice(path.indexOf('fixtures')), path]))('%s has no fault', (_, path) => {
    const script = loadScript('t.cfg', memoryReader({ 't.cfg': readFileSync(path, 'utf8') }))
    expect(script.diagnostics).toEqual([])
    expect(script.routes.length).toBeGreaterThan(0)
  })
})
