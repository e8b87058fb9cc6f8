import { onTestFinished } from 'vitest'
import { RawHttp, type RawResponse } from '../../mi/doors/raw-http.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'

/** A proxy whose management is on the web, and how to ask it. */
export interface WebDoors {
  readonly proxy: ProxyUnderTest
  readonly port: number
  /** Sends bytes and gives what comes back. */
  raw(bytes: string | Buffer): Promise<RawResponse>
  get(target: string, headers?: string): Promise<RawResponse>
  post(target: string, body: string | Buffer, headers?: string): Promise<RawResponse>
}

const BASE = `
log_level=3
loadmodule "httpd.so"
modparam("httpd", "port", @HTTP@)
`

/** Starts a proxy with httpd, the modules and routes of `script` and, without a route of its own, an empty one. */
export async function openWebDoors(script: string): Promise<WebDoors> {
  const port = await freePort()
  const route = /^route/m.test(script) ? '' : 'route { exit; }\n'
  const proxy = await startProxy(`${BASE.replace('@HTTP@', String(port))}${script}\n${route}`)
  onTestFinished(() => proxy.stop())
  const raw = async (bytes: string | Buffer): Promise<RawResponse> => {
    const connection = new RawHttp(port)
    try {
      return await connection.ask(bytes)
    } finally {
      connection.close()
    }
  }
  return {
    proxy,
    port,
    raw,
    get: (target, headers = '') => raw(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`),
    post: (target, body, headers = '') =>
      raw(
        Buffer.concat([
          Buffer.from(
            `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`,
          ),
          Buffer.from(body),
        ]),
      ),
  }
}
