import { describe, expect, it } from 'vitest'
import { tableProxy } from '../../support/table-proxy.ts'

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

async function making(route: string) {
  const script = `
loadmodule "sl.so"
loadmodule "uuid.so"
route { ${route} }
`
  const { phone, port } = await tableProxy({ script, tables: {} })
  return async (): Promise<string> => {
    phone.request('MESSAGE', port)
    return (await phone.nextReply(299)).reason
  }
}

describe('uuid', () => {
  it('$uuid is a new random one at each use', async () => {
    const ask = await making('sl_send_reply(299, "$uuid $uuid");')
    const [a = '', b = ''] = (await ask()).split(' ')
    expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(b).not.toBe(a)
  })

  it.each([
    ['0', '4'],
    ['1', '1'],
    ['4', '4'],
    ['7', '7'],
  ])('version %s', async (version, digit) => {
    const ask = await making(
      `uuid($var(a), ${version}); uuid($var(b), ${version}); sl_send_reply(299, "$var(a) $var(b)");`,
    )
    const [a = '', b = ''] = (await ask()).split(' ')
    expect(a).toMatch(new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${digit}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`))
    expect(b).not.toBe(a)
  })

  // Of Python's uuid module.
  it.each([
    ['3', '6fa459ea-ee8a-3ca4-894e-db77e160355e'],
    ['5', '886313e1-3b8a-5372-9b90-0c9aee199e5d'],
  ])('version %s is that of a name', async (version, expected) => {
    const ask = await making(`uuid($var(a), ${version}, "${DNS}", "python.org"); sl_send_reply(299, "$var(a)");`)
    expect(await ask()).toBe(expected)
  })

  it.each([
    ['$var(v) = 2; uuid($var(a), $var(v));'],
    ['uuid($var(a), 5);'],
    [`uuid($var(a), 5, "${DNS}");`],
    ['uuid($var(a), 5, "nonsense", "x");'],
  ])('%s is −1', async call => {
    const ask = await making(`${call} $var(rc) = $rc; sl_send_reply(299, "$var(rc) $var(a)");`)
    expect(await ask()).toBe('-1 <null>')
  })

  it('a version that there is not is refused at load', async () => {
    await expect(making('uuid($var(a), 2);')).rejects.toThrow('expected 0, 1, 3, 4, 5 or 7')
  })
})
