import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/script/diagnostic.ts'
import { lex } from '../../src/script/lex.ts'
import { Source } from '../../src/script/source.ts'

function tokens(text: string): { shown: string[]; errors: string[] } {
  const diagnostics = new Diagnostics()
  const shown = lex(new Source('t.cfg', text), diagnostics)
    .slice(0, -1)
    .map(token => `${token.kind}:${token.kind === 'number' ? token.value : token.text}`)
  return { shown, errors: diagnostics.list.map(found => `${found.line}:${found.column} ${found.message}`) }
}

describe('lex', () => {
  it.each<[string, string[]]>([
    ['a_1 B2', ['ident:a_1', 'ident:B2']],
    ['10 0x1F 017 0', ['number:10', 'number:31', 'number:15', 'number:0']],
    [
      'yes true on enable no false off disable',
      ['number:1', 'number:1', 'number:1', 'number:1', 'number:0', 'number:0', 'number:0', 'number:0'],
    ],
    ['Yes', ['ident:Yes']],
    ['4294967295', ['number:-1']],
    ['era=2.4', ['ident:era', 'punct:=', 'decimal:2.4']],
    ['1.2.3.4 10.0.0.0/8 10.0.0.0/255.0.0.0', ['ip:1.2.3.4', 'ipnet:10.0.0.0/8', 'ipnet:10.0.0.0/255.0.0.0']],
    ['[::1] 2001:db8::1 [2001:db8::]/32', ['ip:[::1]', 'ip:2001:db8::1', 'ipnet:[2001:db8::]/32']],
    ['udp:127.0.0.1:5060', ['ident:udp', 'punct::', 'ip:127.0.0.1', 'punct::', 'number:5060']],
    ['route[1]', ['ident:route', 'punct:[', 'number:1', 'punct:]']],
    ['case 1:', ['ident:case', 'number:1', 'punct::']],
    [
      ':= += -= *= /= %= &= |= ^= == != >= <= =~ !~ && || << >>',
      [
        ':=',
        '+=',
        '-=',
        '*=',
        '/=',
        '%=',
        '&=',
        '|=',
        '^=',
        '==',
        '!=',
        '>=',
        '<=',
        '=~',
        '!~',
        '&&',
        '||',
        '<<',
        '>>',
      ].map(op => `punct:${op}`),
    ],
    ['a # b\nc', ['ident:a', 'ident:c']],
    ['a // it\'s "b\nc', ['ident:a', 'ident:c']],
    ['a /* x /* y */ z */ b', ['ident:a', 'ident:b']],
    ['a \\\n b', ['ident:a', 'ident:b']],
    ['#!define X 1\na', ['ident:a']],
  ])('reads %j', (text, expected) => {
    expect(tokens(text)).toEqual({ shown: expected, errors: [] })
  })

  it.each<[string, string]>([
    [String.raw`"a\n\t\r\"\\"`, 'a\n\t\r"\\'],
    [String.raw`"\x41\x7"`, 'A\x07'],
    [String.raw`"\101\60"`, 'A0'],
    [String.raw`"\1 \9 \d \."`, String.raw`\1 \9 \d \.`],
    ['"a\\\nb"', 'ab'],
    ['"a\nb"', 'a\nb'],
    [String.raw`'a\n"b'`, String.raw`a\n"b`],
    ['"# no /* comment"', '# no /* comment'],
    ['"Zoë 日本 😀"', 'Zoë 日本 😀'],
  ])('reads the string %s', (text, expected) => {
    expect(tokens(text)).toEqual({ shown: [`string:${expected}`], errors: [] })
  })

  it.each<[string, string[]]>([
    ['$ru', ['$ru']],
    ['$ru+"x"', ['$ru', '+', 'x']],
    ['$rm=="INVITE"', ['$rm', '==', 'INVITE']],
    ['$var(a)-1', ['$var(a)', '-', '1']],
    ['$rU/', ['$rU', '/']],
    ['$rU;', ['$rU', ';']],
    ['$avp(pike-ip)', ['$avp(pike-ip)']],
    ['$(hdr(X)[0]{s.substr,0,3})', ['$(hdr(X)[0]{s.substr,0,3})']],
    ['$var(a) ;', ['$var(a)', ';']],
    ['$json(body):=', ['$json(body)', ':=']],
    ['f($var(a),$rU)', ['f', '(', '$var(a)', ',', '$rU', ')']],
    ['$(avp(x)[*])', ['$(avp(x)[*])']],
    ['$ct.fields(uri)', ['$ct.fields(uri)']],
    ['[$rc]', ['[', '$rc', ']']],
  ])('ends the variable in %s where it ends', (text, expected) => {
    expect(tokens(text).shown.map(token => token.slice(token.indexOf(':') + 1))).toEqual(expected)
  })

  it.each<[string, string]>([
    ['a\n  "bc', '2:3 the file ends inside this string: expected "'],
    ["'bc", "1:1 the file ends inside this string: expected '"],
    ['a /* b', '1:3 the file ends inside this comment: expected */'],
    ['x $(hdr(a)', '1:3 the file ends inside this variable: expected )'],
    ['a ? b', '1:3 unexpected character "?"'],
    ['a $ b', '1:3 unexpected character "$"'],
  ])('reports %j', (text, error) => {
    expect(tokens(text).errors).toEqual([error])
  })

  it('takes an include only at the start of a line, and not inside comments and strings', () => {
    const text = 'a\n include_file "x.cfg" rest\n/* \ninclude_file "y" */ "\ninclude_file \'z\'"\nimport_file \'w\''
    expect(tokens(text).shown).toEqual(['ident:a', 'include:x.cfg', "string:\ninclude_file 'z'", 'include:w'])
  })
})
