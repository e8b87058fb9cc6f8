import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import httpd from '../../src/modules/httpd/index.ts'
import { CERTIFICATE, KEY } from '../mi/doors/self-signed.ts'
import { moduleStand, NEVER, setUp } from '../mi/start-module.ts'

describe('httpd', () => {
  it('on a reachable address without a password starts with a warning', async () => {
    const stand = moduleStand()
    const server = setUp(stand, httpd, { ip: '*', port: 0 })
    await server.start?.(NEVER)
    await server.stop?.(NEVER)
    expect(stand.log.at('warn').join()).toContain('offers every management command')
  })

  it('on a reachable address without a password does not start under mi_require_auth', async () => {
    const server = setUp(moduleStand({ mi_require_auth: 1 }), httpd, { ip: '*', port: 0 })
    await expect(server.start?.(NEVER)).rejects.toThrow(/without asking for a password.*mi_require_auth is set/)
  })

  it.each([
    ['127.0.0.1', {}],
    ['*', { auth_username: 'u', auth_password: 'p' }],
  ])('on %s with %j starts under mi_require_auth, without a warning', async (ip, credentials) => {
    const stand = moduleStand({ mi_require_auth: 1 })
    const server = setUp(stand, httpd, { ip, port: 0, ...credentials })
    await server.start?.(NEVER)
    await server.stop?.(NEVER)
    expect(stand.log.at('warn')).toEqual([])
  })

  it('says which address it cannot have', async () => {
    const stand = moduleStand()
    const first = setUp(stand, httpd, { port: 0 })
    await first.start?.(NEVER)
    const { port } = stand.apis.httpd?.bound ?? {}
    const second = setUp(moduleStand(), httpd, { port })
    await expect(second.start?.(NEVER)).rejects.toThrow(`httpd cannot listen on 127.0.0.1 port ${port}: `)
    await first.stop?.(NEVER)
  })

  it.each([
    [{ auth_username: 'u' }, 'auth_username and auth_password go together'],
    [{ tls_cert_file: '/x' }, 'tls_cert_file and tls_key_file go together'],
    [{ tls_cert_file: '/nonexistent', tls_key_file: '/nonexistent' }, 'ENOENT'],
    [{ port: 70000 }, 'port is 0 to 65535, got 70000'],
  ])('refuses %j', (params, message) => {
    expect(() => setUp(moduleStand(), httpd, params)).toThrow(message)
  })

  it('lists the mounted roots', () => {
    const stand = moduleStand()
    const server = setUp(stand, httpd, { port: 0 }) as { commands?: { list_root_path(): unknown } }
    stand.apis.httpd?.mount('metrics', 'prometheus', () => ({ status: 200, contentType: 'text/plain', body: '' }))
    expect(server.commands?.list_root_path()).toEqual([{ http_root: 'metrics', module: 'prometheus' }])
  })

  it('speaks HTTPS with a certificate and a key', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fanfare-tls-'))
    const files = { tls_cert_file: join(directory, 'cert'), tls_key_file: join(directory, 'key') }
    writeFileSync(files.tls_cert_file, CERTIFICATE)
    writeFileSync(files.tls_key_file, KEY)
    const stand = moduleStand()
    const server = setUp(stand, httpd, { port: 0, ...files })
    stand.apis.httpd?.mount('x', 'test', () => ({ status: 200, contentType: 'text/plain', body: 'secret' }))
    await server.start?.(NEVER)
    const status = await new Promise((resolve, reject) => {
      const url = `https://127.0.0.1:${stand.apis.httpd?.bound?.port}/x`
      get(url, { rejectUnauthorized: false, agent: false }, response => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      )
    })
    expect(status).toBe(200)
    await server.stop?.(NEVER)
    rmSync(directory, { recursive: true })
  })
})
