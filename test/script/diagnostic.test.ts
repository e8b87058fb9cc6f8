import { describe, expect, it } from 'vitest'
import { compileScript } from '../../src/script/compile.ts'
import { printDiagnostic } from '../../src/script/diagnostic.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import { FakeEnvironment, findings, makeFunction } from './harness.ts'

function environment(): FakeEnvironment {
  const fake = new FakeEnvironment()
  const step = () => () => 1
  fake.functions.set('t_relay', makeFunction('str?', step, { routes: ['request', 'failure'], aliases: ['t_relay_to'] }))
  fake.functions.set('put', makeFunction('var str', step))
  fake.functions.set('match', makeFunction('regex', step))
  fake.functions.set('raise_event', makeFunction('str var? var?', step))
  fake.functions.set(
    't_on_failure',
    makeFunction('str', (name: { constant: string; reject(message: string): never }) =>
      name.constant === 'known' ? () => 1 : name.reject(`there is no failure_route[${name.constant}]`),
    ),
  )
  return fake
}

describe('faults found while compiling', () => {
  it.each<[string, string[]]>([
    ['route { t_realy(); }', ['1:9 error E_FUNCTION unknown function t_realy()']],
    ['route { note(); }', ['1:9 error E_ARGUMENT note() takes 1 to 2 arguments, got 0']],
    ['route { note(1, 2, 3); }', ['1:9 error E_ARGUMENT note() takes 1 to 2 arguments, got 3']],
    ['route { ok(1); }', ['1:9 error E_ARGUMENT ok() takes no arguments, got 1']],
    ['route { note(, "x"); }', ['1:9 error E_ARGUMENT note(): the argument "arg1" cannot be left out']],
    ['route { give("abc"); }', ['1:14 error E_ARGUMENT give(): "arg1" takes a number, got "abc"']],
    ['route { note(NULL); }', ['1:14 error E_ARGUMENT note(): "arg1" cannot be NULL']],
    ['route { put("x", "y"); }', ['1:13 error E_ARGUMENT put(): "arg1" takes a variable to write to']],
    [
      'route { put($si, "y"); }',
      ['1:13 error E_READ_ONLY put(): "arg1" takes a variable to write to: $si is read-only'],
    ],
    ['route { match("a("); }', ['1:15 error E_REGEX "a(" is no regular expression: "(" without ")"']],
    [
      'route { ok(); }\nbranch_route[b] { t_relay(); }',
      ['2:19 error E_ROUTE_KIND t_relay() cannot be used in branch_route[b]'],
    ],
    ['route { t_relay_to(); }', []],
    [
      'route { route(nowhere); route("nowhere"); }',
      ['1:15 error E_ROUTE there is no route[nowhere]', '1:31 error E_ROUTE there is no route[nowhere]'],
    ],
    ['route { async(later(1), nowhere); }', ['1:25 error E_ROUTE there is no route[nowhere]']],
    ['route { async(ok(), r); }\nroute[r] {}', ['1:15 error E_FUNCTION ok() cannot be used in async()']],
    ['route { async(lter(1), r); }\nroute[r] {}', ['1:15 error E_FUNCTION unknown function lter()']],
    ['route { launch(later(1), nowhere); }', ['1:26 error E_ROUTE there is no route[nowhere]']],
    ['route { t_on_failure("x"); }', ['1:22 error E_ARGUMENT there is no failure_route[x]']],
    ['route { $var(a) = $foo; }', ['1:19 error E_VARIABLE unknown variable $foo']],
    ['route { xlog("a $foo b"); }', ['1:17 error E_VARIABLE unknown variable $foo']],
    ['route { xlog("a $(ru{s.foo}) b"); }', ['1:17 error E_TRANSFORMATION unknown transformation "s.foo"']],
    ['route { $var(a) = $(ru{foo.len}); }', ['1:19 error E_TRANSFORMATION unknown class of transformations "foo"']],
    [
      'route { $var(a) = $(ru{s.substr,1}); }',
      ['1:19 error E_TRANSFORMATION {s.substr,1}: s.substr takes 2 parameters, got 1'],
    ],
    ['route { $var(a) = $var; }', ['1:19 error E_VARIABLE $var: expected a name in parentheses: $var(…)']],
    ['route { $var(a) = $ru(x); }', ['1:19 error E_VARIABLE $ru(x): $ru takes nothing in parentheses']],
    [
      'route { $var(a) = $(avp(x)[a]); }',
      ['1:19 error E_VARIABLE $(avp(x)[a]): expected a number, * or a variable as index, got "a"'],
    ],
    ['route { $si = "x"; }', ['1:9 error E_READ_ONLY $si is read-only']],
    ['route { $(ru{s.len}) = "x"; }', ['1:9 error E_READ_ONLY $(ru{s.len}): a transformation cannot be assigned to']],
    ['route { for ($var(x) in $avp(y)) ok(); }', ['1:25 error E_VARIABLE a for loop runs over a list']],
    ['route { for ($si in $(avp(y)[*])) ok(); }', ['1:14 error E_READ_ONLY $si is read-only']],
    ['route { if ($ru =~ "[") ok(); }', ['1:20 error E_REGEX "[" is no regular expression: "[" without "]"']],
    [
      'route { if ($foo == 1 && $bar) nope(); else nay(); }',
      [
        '1:13 error E_VARIABLE unknown variable $foo',
        '1:26 error E_VARIABLE unknown variable $bar',
        '1:32 error E_FUNCTION unknown function nope()',
        '1:45 error E_FUNCTION unknown function nay()',
      ],
    ],
    [
      'lg_level=3\nlog_level="x"\nera=9\nroute {}',
      [
        '1:1 error E_SETTING unknown setting "lg_level"',
        '2:11 error E_SETTING "log_level" takes a number, got "x"',
        '3:5 error E_SETTING "era" takes 2.4 or 4.0, got 9',
      ],
    ],
    [
      'event_route[E_PIKE_BLOKED] {}\nroute { raise_event("E_MINE"); raise_event("E_MINE"); raise_event("E_ACC_CDR"); raise_event("$var(x)"); }',
      ['1:1 warning W_EVENT no loaded module raises the event "E_PIKE_BLOKED": it is published for the script'],
    ],
    ['startup_route {}', ['0:0 warning W_ROUTE there is no main route: requests are not handled']],
    [
      'route { give("1"); give("2"); if (method=="A") ok(); if (method=="B") ok(); }',
      [
        '1:35 notice N_DEPRECATED "method" is the former spelling of $rm',
        '1:14 notice N_DEPRECATED the number 1 is written in quotes',
      ],
    ],
  ])('%j', (text, expected) => {
    expect(findings(text, environment())).toEqual(expected)
  })

  it('keeps the file an included statement stands in', () => {
    const files = { 'main.cfg': 'include_file "inc/a.cfg"\nroute { ok(); }', 'inc/a.cfg': 'route[a] {\n  nope(); }' }
    const script = loadScript('main.cfg', memoryReader(files))
    expect(compileScript(script, environment()).diagnostics).toMatchObject([{ file: 'inc/a.cfg', line: 2, column: 3 }])
  })

  it('gives no program when there is an error, and one when there are only warnings', () => {
    const compile = (text: string) =>
      compileScript(loadScript('t.cfg', memoryReader({ 't.cfg': text })), environment()).program
    expect(compile('route { nope(); }')).toBeUndefined()
    expect(compile('route { a(')).toBeUndefined()
    expect(compile('log_levl=1 route {}')).toBeUndefined()
    expect(compile('event_route[E_X] {}')).toBeDefined()
  })
})

describe('printing', () => {
  const print = (text: string): string => {
    const script = loadScript('t.cfg', memoryReader({ 't.cfg': text }))
    const { diagnostics } = compileScript(script, environment())
    return diagnostics.map(found => printDiagnostic(found, script.sources)).join('\n')
  }

  it('shows the line, a caret and a suggestion', () => {
    expect(print('route {\n\tif (ok()) t_realy();\n}')).toBe(
      [
        't.cfg:2:12: error: unknown function t_realy()',
        ' 2 | \tif (ok()) t_realy();',
        '   | \t          ^~~~~~~~~',
        'hint: did you mean "t_relay"?',
      ].join('\n'),
    )
  })

  it('shows a finding about the whole script without a line', () => {
    expect(print('startup_route {}')).toBe('t.cfg: warning: there is no main route: requests are not handled')
  })
})
