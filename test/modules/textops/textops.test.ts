import { describe, expect, it } from 'vitest'
import sipmsgops from '../../../src/modules/sipmsgops/index.ts'
import textops from '../../../src/modules/textops/index.ts'
import { invite } from '../sipmsgops/rig.ts'
import { contextOf, headerOf, moduleRig } from '../usrloc/module-rig.ts'

const BODY = 'one two\r\nTWO three\r\ntwo'

function rig(
  facts: Parameters<typeof invite>[0] = { headers: ['Content-Type: text/plain', 'X-Word: two'], body: BODY },
) {
  const made = moduleRig([sipmsgops, textops])
  const m = made.context(invite(facts))
  const out = () => made.sent(m)
  return {
    ...made,
    m,
    out,
    run: (name: string, ...args: unknown[]) => made.call(m, name, ...args),
    body: () => out().split('\r\n\r\n').slice(1).join('\r\n\r\n'),
  }
}

it('brings the functions it held in 1.x and 2.x', () => {
  expect((textops.spec as { brings?: readonly string[] }).brings).toEqual(['sipmsgops'])
})

describe('search', () => {
  it('ignores case and looks at lines', () => {
    const { run } = rig()
    expect([run('search', '^x-word: TWO'), run('search', 'nowhere'), run('search_body', '^two$')]).toEqual([1, -1, 1])
    expect(run('search_body', 'X-Word')).toBe(-1)
  })

  it('search_append puts text behind the first match', () => {
    const { run, out, body } = rig()
    expect(run('search_append', 'X-Word: [a-z]+', '!')).toBe(1)
    expect(run('search_append_body', 'two', '+')).toBe(1)
    expect(headerOf(out(), 'X-Word')).toBe('two!')
    expect(body()).toBe('one two+\r\nTWO three\r\ntwo')
    expect(headerOf(out(), 'Content-Length')).toBe(String(BODY.length + 1))
  })
})

describe('replace', () => {
  it.each([
    ['replace_body', 'two', 'one 2\r\nTWO three\r\ntwo'],
    ['replace_body_all', 'two', 'one 2\r\n2 three\r\n2'],
    ['replace_body_all', '^two', 'one two\r\n2 three\r\n2'],
    ['replace_body_atonce', 'two.*three', 'one 2\r\ntwo'],
    ['replace_body_atonce', '^one|two$', '2 two\r\nTWO three\r\n2'],
  ])('%s of %s', (name, pattern, expected) => {
    const { run, out, body } = rig()
    expect(run(name, pattern, '2')).toBe(1)
    expect(body()).toBe(expected)
    expect(headerOf(out(), 'Content-Length')).toBe(String(expected.length))
  })

  it('replace and replace_all reach headers and body', () => {
    const first = rig()
    expect(first.run('replace', 'two', '2')).toBe(1)
    expect([headerOf(first.out(), 'X-Word'), first.body()]).toEqual(['2', BODY])
    const all = rig()
    expect(all.run('replace_all', 'two', '2')).toBe(1)
    expect([headerOf(all.out(), 'X-Word'), all.body()]).toEqual(['2', 'one 2\r\n2 three\r\n2'])
    expect(all.run('replace_all', 'nowhere', '2')).toBe(-1)
  })

  it('in the Request-URI changes the URI, unless the script has set another', () => {
    const kept = rig()
    kept.run('replace_all', 'b(ob@)example', 'x')
    expect(kept.out()).toMatch(/^INVITE sip:x\.org SIP\/2\.0\r\n/)
    const changed = rig()
    changed.m.target.uri = 'sip:other@x'
    changed.run('replace_all', 'sip:bob', 'x')
    expect(changed.out()).toMatch(/^INVITE sip:other@x SIP\/2\.0\r\n/)
  })

  it('does not see earlier edits', () => {
    const { run } = rig()
    run('replace_body_all', 'two', 'deux')
    expect([run('search_body', 'deux'), run('search_body', 'two')]).toEqual([-1, 1])
  })

  it('works on a body that was given anew', () => {
    const { run, body } = rig()
    run('remove_body_part')
    run('add_body_part', 'fresh two two', 'text/plain')
    expect(run('replace_body_all', 'two', '2')).toBe(1)
    expect(body()).toBe('fresh 2 2')
  })

  it('keeps bytes that are no text, and matches UTF-8', () => {
    const { call, sockets } = moduleRig([textops])
    const text = Buffer.from('Grüße')
    const head = Buffer.from(invite({ body: 'x'.repeat(text.length + 2) })).subarray(0, -text.length - 2)
    const m = contextOf(Buffer.concat([head, Buffer.from([0xff, 0x00]), text]), 'request', sockets[0]!)
    expect(call(m, 'replace_body', 'grüße', 'Ö')).toBe(1)
    const body = m.edits.apply(m.message.bytes, m.message.bodyStart, m.message.bytes.length)
    expect(body.equals(Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from('Ö')]))).toBe(true)
  })

  it('refuses a pattern that is none at load', () => {
    expect(() => rig().build('replace', '(', 'x')).toThrow()
  })
})

describe('subst', () => {
  it.each([
    ['/two/2/', 'one 2\r\nTWO three\r\ntwo'],
    ['/two/2/g', 'one 2\r\nTWO three\r\n2'],
    ['/two/2/gi', 'one 2\r\n2 three\r\n2'],
    ['#(one) (two)#\\2 \\1 \\0#', 'two one one two\r\nTWO three\r\ntwo'],
    ['/two.*three/x/s', 'one x\r\ntwo'],
    ['/o\\/e|two/a\\/b/', 'one a/b\r\nTWO three\r\ntwo'],
  ])('_body %s', (expression, expected) => {
    const { run, body } = rig()
    expect(run('subst_body', expression)).toBe(1)
    expect(body()).toBe(expected)
  })

  it('changes headers', () => {
    const { run, out } = rig()
    expect([run('subst', '/^X-Word: (t)(wo)/X-Word: \\2\\1/'), run('subst', '/nowhere/x/')]).toEqual([1, -1])
    expect(headerOf(out(), 'X-Word')).toBe('wot')
  })

  it('_uri and _user change the Request-URI', () => {
    const { run, m } = rig()
    expect(run('subst_uri', '/^sip:(.*)@(.*)$/sip:\\1@\\2;x=y/')).toBe(1)
    expect(run('subst_user', '/^bob$/00&\\0/')).toBe(1)
    expect(m.target.uri).toBe('sip:00&bob@example.org;x=y')
    expect([run('subst_user', '/nobody/x/'), run('subst_uri', '/nowhere/x/')]).toEqual([-1, -1])
  })

  it.each(['', '/a', '/a/b', '//b/', '/a/b/q', '/(/b/'])('%j is refused at load', expression => {
    expect(() => rig().build('subst', expression)).toThrow()
  })
})
