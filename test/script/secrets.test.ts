import { describe, expect, it } from 'vitest'
import { isSecretName, Secrets } from '../../src/script/trace/secrets.ts'

describe('what a trace hides', () => {
  it.each([
    ['mysql://user:pw@db/opensips', 'mysql://user:***@db/opensips'],
    ['fs://:ClueCon@10.0.0.1:8021', 'fs://:***@10.0.0.1:8021'],
    ['rabbitmq:guest:guest@127.0.0.1/x', 'rabbitmq:guest:***@127.0.0.1/x'],
    ['<sip:alice:1234@example.org>', '<sip:alice:***@example.org>'],
    ['A: 1\r\nAuthorization: Digest username="a"\r\nB: 2', 'A: 1\r\nAuthorization: ***\r\nB: 2'],
    ['Proxy-Authorization : Basic YTpi', 'Proxy-Authorization : ***'],
    ['Bearer eyJhbGciOi.J9-_', 'Bearer ***'],
    ['Digest username="a", response="0a1b"', 'Digest username="a", response="***"'],
    ['https://x/?user=a&access_token=t0k&b=1', 'https://x/?user=a&access_token=***&b=1'],
    [String.raw`{\"secret\": \"geheim\"}`, String.raw`{\"secret\": ***}`],
    ['{"user": "a", "password": "p w", "n": 1}', '{"user": "a", "password": ***, "n": 1}'],
  ])('%j', (text, shown) => {
    expect(new Secrets().hide(text)).toBe(shown)
  })

  it.each([
    'sip:alice@example.org:5060;transport=tcp',
    '10.0.0.1:5060',
    '2026-12-01T07:00:00Z by bob@example.org',
    'INVITE sip:bob@[2001:db8::1]:5060 SIP/2.0',
    'Basic call',
  ])('nothing of %j', text => {
    expect(new Secrets().hide(text)).toBe(text)
  })

  it('values that were found to be secrets, wherever they stand, unless they are too short to tell', () => {
    const secrets = new Secrets()
    secrets.add('tr0ub4dor')
    secrets.add('a')
    expect(secrets.hide('a tr0ub4dor and tr0ub4dor')).toBe('a *** and ***')
  })

  it('takes linear time on what looks like an address again and again', () => {
    const text = 'a:b:'.repeat(1024)
    expect(new Secrets().hide(text)).toBe(text)
  })

  it.each([
    ['$avp(password)', true],
    ['$var(db_pass)', true],
    ['$hdr(Proxy-Authorization)', true],
    ['$(avp(api_key){s.len})', true],
    ['$avp(ha1)', true],
    ['$var(bypass)', false],
    ['$rU', false],
    ['$avp(passenger)', false],
  ])('the value of %s: %s', (name, isSecret) => {
    expect(isSecretName(name)).toBe(isSecret)
  })
})
