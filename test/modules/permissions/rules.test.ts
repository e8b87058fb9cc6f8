import { describe, expect, it } from 'vitest'
import { matchesRules, parseRules } from '../../../src/modules/permissions/rules.ts'
import { startGuard } from './rig.ts'

const fits = (text: string, left: string, right: string) => matchesRules(parseRules(text, 'f'), left, right)

describe('parseRules', () => {
  it.each([
    ['ALL : ALL', true],
    ['all:all # everything', true],
    ['"^sip:alice@" : "^sip:bob@"', true],
    ['"^SIP:ALICE@" : ALL', true],
    ['"^sip:carol@", "^sip:al" : ALL', true],
    ['"^sip:carol@" : ALL', false],
    ['ALL EXCEPT "^sip:alice" : ALL', false],
    ['ALL EXCEPT "^sip:carol" : ALL', true],
    ['ALL : ALL EXCEPT "@x", "^sip:bob@"', false],
    ['ALL EXCEPT ALL : ALL', false],
    ['\n# nothing\n\t\n', false],
    ['"sip:.*#1" : ALL', false],
  ])('%s', (text, expected) => {
    expect(fits(text, 'sip:alice@a', 'sip:bob@b')).toBe(expected)
  })

  it.each([
    ['ALL', 'f:1: expected ":" between the two sides, got the end of the line'],
    ['# x\nALL : bob', 'f:2: expected ALL or a quoted regular expression, got "bob"'],
    ['ALLOW : ALL', 'expected ALL or'],
    ['ALL : "a" "b"', 'expected the end of the line'],
    ['ALL : "a', 'expected ALL or'],
    ['ALL : "(a"', '"(a" is no regular expression'],
    ['ALL : "(a)\\1"', 'is no regular expression'],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => parseRules(text, 'f')).toThrow(message)
  })

  it('a pattern that would take exponential time does not', () => {
    expect(fits('"^sip:(a+)+$" : ALL', `sip:${'a'.repeat(40)}!`, 'x')).toBe(false)
  })
})

const RULES = {
  'calls.allow': '"^sip:alice@" : "^sip:bob@", "^sip:carol@"\n',
  'calls.deny': 'ALL : "^sip:(bob|9.*)@"\n',
  'reg.deny': 'ALL : "@(evil|10\\.)"\n',
}
const PLACES = `
modparam("permissions", "default_allow_file", "@FILES@/calls.allow")
modparam("permissions", "default_deny_file", "@FILES@/calls.deny")
`
const from = (uri: string) => (text: string) => text.replace(/^From: <[^>]*>/m, `From: <${uri}>`)
const ruri = (uri: string) => (text: string) => text.replace(/^MESSAGE \S+/, `MESSAGE ${uri}`)

describe('allow_routing', () => {
  it.each([
    ['allow_routing("@FILES@/calls")'],
    ['allow_routing("@FILES@/calls.allow", "@FILES@/calls.deny")'],
    ['allow_routing()'],
  ])('%s: what is allowed passes, of the rest what is denied does not', async call => {
    const guard = await startGuard(call, RULES, PLACES)
    const code = async (caller: string, callee: string) =>
      Number.parseInt(await guard.answer('127.0.0.1', '', text => from(caller)(ruri(callee)(text))), 10)
    expect(await code('sip:alice@x', 'sip:bob@127.0.0.1')).toBe(1)
    expect(await code('sip:carol@x', 'sip:bob@127.0.0.1')).toBe(-1)
    expect(await code('sip:carol@x', 'sip:dave@127.0.0.1')).toBe(1)
    expect(await code('sip:carol@x', 'sips:900@127.0.0.1:5061;transport=tcp')).toBe(-1)
    expect(await code('sip:carol@x', 'sip:%3900@127.0.0.1')).toBe(-1)
  })

  it('refuses URIs of more than 1024 characters, on which patterns could take for ever', async () => {
    const guard = await startGuard('allow_routing("@FILES@/any")', { 'any.deny': 'ALL : "a*b"\n' })
    expect(await guard.answer('127.0.0.1', '', ruri(`sip:${'a'.repeat(30_000)}@x`))).toBe('-1 before')
    expect(await guard.answer('127.0.0.1', '', ruri(`sip:${'a'.repeat(900)}@x`))).toBe('1 before')
  })

  it('looks at every branch, unless check_all_branches is 0', async () => {
    for (const [param, code] of [
      ['1', '-1'],
      ['0', '1'],
    ] as const) {
      const params = `${PLACES}modparam("permissions", "check_all_branches", ${param})\n`
      const guard = await startGuard('append_branch("sip:900@x"); allow_routing()', RULES, params)
      expect((await guard.answer()).split(' ')[0]).toBe(code)
    }
  })

  it('a rule that cannot be read stops the start, with file and line', async () => {
    await expect(startGuard('allow_routing("@FILES@/bad")', { 'bad.deny': '\nALL :' })).rejects.toThrow(
      /bad\.deny:2: expected ALL/,
    )
  })

  it('a name that is not constant is an error', async () => {
    await expect(startGuard('allow_routing("$var(x)")')).rejects.toThrow('without variables')
  })

  it('files that are not there count as empty, which is logged', async () => {
    const guard = await startGuard('allow_routing("@FILES@/none")')
    expect(await guard.answer()).toBe('1 before')
    expect(guard.log.join('')).toContain('none.deny')
  })
})

describe('allow_register', () => {
  const contact = (value: string) => (text: string) => text.replace(/^Contact: .*$/m, `Contact: ${value}`)
  it.each([
    ['<sip:bob@1.2.3.4>', '1'],
    ['<sip:bob@1.2.3.4>, <sip:bob@10.0.0.1>', '-1'],
    ['<sip:bob@evil>', '-1'],
    ['*', '1'],
    ['<sip:bob@', '-1'],
  ])('Contact %s: %s', async (value, code) => {
    const guard = await startGuard('allow_register("@FILES@/reg")', RULES)
    const reply = await guard.answer('127.0.0.1', '', contact(value))
    expect(reply.split(' ')[0]).toBe(code)
  })
})

describe('allow_uri', () => {
  it('pairs From with any URI', async () => {
    const guard = await startGuard('allow_uri("@FILES@/calls", "$hdr(X)")', RULES)
    expect(await guard.answer('127.0.0.1', 'X: sip:bob@b\r\n')).toBe('1 before')
    expect(await guard.answer('127.0.0.1', 'X: sip:900@b\r\n')).toBe('-1 before')
    expect(await guard.answer('127.0.0.1', 'X: nothing\r\n')).toBe('-1 before')
  })

  it('the command asks about any pair', async () => {
    const guard = await startGuard('allow_uri("@FILES@/calls", "sip:x@y")', RULES)
    const ask = (uri: string, contact: string) =>
      guard.mi('allow_uri', { basename: `${guard.folder}/calls`, uri, contact })
    expect(await ask('sip:alice@a', 'sip:bob@b')).toBe('OK')
    await expect(ask('sip:dave@a', 'sip:bob@b')).rejects.toMatchObject({ code: 403 })
    await expect(ask('dave', 'sip:bob@b')).rejects.toMatchObject({ code: 400 })
    guard.write('bad.allow', 'x')
    await expect(
      guard.mi('allow_uri', { basename: `${guard.folder}/bad`, uri: 'sip:a@b', contact: 'sip:c@d' }),
    ).rejects.toMatchObject({ code: 500 })
  })
})
