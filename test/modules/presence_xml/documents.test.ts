import { describe, expect, it } from 'vitest'
import { mergePidf, offlinePidf, pidfFault, sphereOf } from '../../../src/modules/presence_xml/pidf.ts'
import { decide } from '../../../src/modules/presence_xml/rules.ts'
import { watcherInfo } from '../../../src/modules/presence_xml/watcher-info.ts'
import { parseXml, textOf } from '../../../src/modules/presence_xml/xml.ts'

const NS = 'xmlns="urn:ietf:params:xml:ns:pidf"'
const doc = (inside: string, namespaces = NS): string => `<presence ${namespaces} entity="sip:b@d">${inside}</presence>`
const tuple = (id: string, basic = 'open'): string =>
  `<tuple id="${id}"><status><basic>${basic}</basic></status></tuple>`
const rest = { address: { user: 'b', domain: 'd' }, documents: [], version: 3 }

describe('XML', () => {
  it('knows elements, attributes, comments, instructions and CDATA', () => {
    const text =
      '\ufeff<?xml version="1.0"?><!-- <x> --><a:r x="1 &lt; 2" y=\'&#x41;\'><b/>t&amp;t<![CDATA[<c>]]></a:r> '
    const root = parseXml(text)
    expect([root.name, root.local, ...root.attributes]).toEqual(['a:r', 'r', ['x', '1 < 2'], ['y', 'A']])
    expect(root.children.map(({ name }) => name)).toEqual(['b'])
    expect(textOf('<a>x<b>y</b>&gt;</a>', parseXml('<a>x<b>y</b>&gt;</a>'))).toBe('x>')
  })

  it.each([
    ['an entity bomb', '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>'],
    ['a DOCTYPE that loads', '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>'],
    ['a tower', '<a>'.repeat(100_000)],
    ['a crowd', `<r>${'<a/>'.repeat(20_000)}</r>`],
    ['two roots', '<a/><b/>'],
    ['text beside the root', '<a/>x'],
    ['crossed tags', '<a><b></a></b>'],
    ['an open tag', '<a'],
    ['an open attribute', `<a b="${'x'.repeat(50_000)}`],
    ['many quotes', `<a ${'b="'.repeat(20_000)}`],
    ['an open comment', '<a><!--'],
    ['nothing', ''],
    ['noise', '\0\x01<\xff'],
    ['an end alone', '</a>'],
  ])('%s is refused', (_what, text) => {
    expect(() => parseXml(text)).toThrow(expect.objectContaining({ name: 'XmlError' }))
  })
})

describe('presence documents', () => {
  it('are merged: the newest with what only the others have', () => {
    expect(mergePidf([doc(tuple('a')), doc(tuple('a', 'closed') + tuple('b'))])).toBe(doc(tuple('a') + tuple('b')))
    expect(mergePidf([doc(tuple('a'))])).toBe(doc(tuple('a')))
    expect(mergePidf([])).toBeNull()
  })

  it('keep the namespaces their elements need', () => {
    const other = doc('<r:person id="p"/>', `${NS} xmlns:r="urn:x"`)
    expect(mergePidf([doc(tuple('a')), other])).toBe(doc(`${tuple('a')}<r:person xmlns:r="urn:x" id="p"/>`))
    const prefixed = '<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf"/>'
    expect(mergePidf([prefixed, doc(tuple('a'))])).toBe(
      `<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf">${tuple('a').replace('<tuple', `<tuple ${NS}`)}</p:presence>`,
    )
  })

  it.each([
    ['<presence', false],
    ['<other/>', false],
    [doc(''), true],
  ])('%s is one: %s', (text, isOne) => {
    expect(pidfFault(text) === null).toBe(isOne)
  })

  it('tell their sphere', () => {
    expect(sphereOf(doc('<person><r:sphere><r:work/></r:sphere></person>'))).toBe('work')
    expect(sphereOf(doc('<person><sphere>home</sphere></person>'))).toBe('home')
    expect(sphereOf(doc(''))).toBe('')
  })

  it('hold any URI without being broken by it', () => {
    const uri = `sip:<"&'>${'x'.repeat(5000)}@d`
    expect(parseXml(offlinePidf(uri)).attributes.get('entity')).toBe(uri)
    const watchers = [{ id: '1', uri, status: 'active', expiresS: 5 }] as const
    const info = watcherInfo('presence', { ...rest, uri, watchers })
    expect(textOf(info, parseXml(info).children[0]!.children[0]!)).toBe(uri)
  })
})

describe('rules', () => {
  const rule = (conditions: string, handling: string): string =>
    `<cr:rule id="r"><cr:conditions>${conditions}</cr:conditions><cr:actions><sub-handling>${handling}</sub-handling></cr:actions></cr:rule>`
  const ruleset = (...rules: string[]): string => `<cr:ruleset xmlns:cr="urn:x">${rules.join('')}</cr:ruleset>`
  const one = (id: string): string => `<cr:identity><cr:one id="${id}"/></cr:identity>`
  const many = (inside = '', domain = ''): string => `<identity><many${domain}>${inside}</many></identity>`
  const at = Date.UTC(2026, 0, 1)

  it.each([
    [ruleset(rule(one('sip:alice@d'), 'allow')), 'allow'],
    [ruleset(rule(one('sip:carol@d'), 'allow')), null],
    [ruleset(rule(many(), 'confirm'), rule(one('pres:Alice@d'), 'polite-block')), 'polite-block'],
    [ruleset(rule(many('<except id="sip:alice@d"/>'), 'allow')), null],
    [ruleset(rule(many('<except domain="D"/>'), 'allow')), null],
    [ruleset(rule(many('', ' domain="d"'), 'block')), 'block'],
    [ruleset(rule(many('', ' domain="other"'), 'allow')), null],
    [ruleset(rule('', 'allow')), 'allow'],
    [ruleset(rule('<never-heard-of/>', 'allow')), null],
    [ruleset(rule('', 'nonsense')), null],
    [ruleset(rule('<sphere value="work"/>', 'allow')), 'allow'],
    [ruleset(rule('<sphere value="home"/>', 'allow')), null],
    [
      ruleset(
        rule('<validity><from>2025-12-31T00:00:00Z</from><until>2026-02-01T00:00:00Z</until></validity>', 'allow'),
      ),
      'allow',
    ],
    [
      ruleset(
        rule('<validity><from>2025-01-01T00:00:00Z</from><until>2025-02-01T00:00:00Z</until></validity>', 'allow'),
      ),
      null,
    ],
  ])('%s: %s', (document, expected) => {
    expect(decide(document, { watcher: 'sip:alice@d', sphere: 'work', nowMs: at })).toBe(expected)
  })

  it('conditions on a sphere do not hold where spheres are not looked at', () => {
    const document = ruleset(rule('<sphere value="work"/>', 'allow'))
    expect(decide(document, { watcher: 'sip:alice@d', sphere: null, nowMs: at })).toBeNull()
  })
})
