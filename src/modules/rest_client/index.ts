import { resolve } from 'node:path'
import { arg, defineModule, optional, optionalParam, param } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { tlsOptions } from './connections.ts'
import { HttpClient } from './http-client.ts'
import type { HttpRequest } from './http-reply.ts'
import { appendHeader, takePrepared, useTlsDomain } from './next-request.ts'

const FORM = 'application/x-www-form-urlencoded'
const HTTP_2: ReadonlySet<number> = new Set([3, 4, 5])
const RETURNS =
  '1 the server replied, whatever its status; −1 nobody takes the connection; −2 no connection in time; −3 no complete ' +
  'reply in time, be it by the limit of async(); −4 a connection to this server is being opened already; −10 anything else'

const url = arg('url', 'str', 'What is asked for, `http://…` or `https://…`.')
const received = [
  arg('body', 'var', 'Gets the body of the reply.'),
  optional(arg('content_type', 'var', 'Gets its content type; NULL where the server names none.')),
  optional(arg('code', 'var', 'Gets the status of the reply; 0 when there is none.')),
] as const
const withBody = [
  url,
  arg('send_body', 'str', 'The body that is sent.'),
  optional(arg('send_content_type', 'str', `Its content type; ${FORM} if absent.`)),
  ...received,
] as const

/** Questions of the script to web servers. While one is waited for, every other message goes on. */
export default defineModule(
  {
    name: 'rest_client',
    doc: 'Asks web servers: GET, POST and PUT. Redirects are not followed.',
    after: ['tls_mgm'],
    params: {
      connection_timeout: param('int', 20, 'Longest wait for a connection; 0 for none.', { unit: 's' }),
      curl_timeout: param('int', 20, 'Longest time for all of a transfer; 0 for none.', { unit: 's' }),
      connect_poll_interval: param('int', 20, 'Accepted; connections are not polled for.', {
        unit: 'ms',
        ignored: true,
      }),
      max_async_transfers: param('int', 100, 'Most transfers at once; others wait for their turn.'),
      max_transfer_size: param('int', 10_240, 'Longest body of a reply; 0 for any length.', { unit: 'KB' }),
      ssl_verifypeer: param('int', 1, 'Whether the certificate of a server must be valid.'),
      ssl_verifyhost: param('int', 1, 'Whether it must be for the name in the URL.'),
      ssl_capath: optionalParam('str', 'Folder with certificates of further authorities, in PEM form.'),
      curl_http_version: param(
        'int',
        0,
        '0, 1 and 2: HTTP/1.1, which Node.js always speaks; 3, 4 and 5: HTTP/2 where a server offers it over TLS.',
      ),
      enable_expect_100: param('int', 0, 'Whether bodies over 1024 bytes are announced with `Expect: 100-continue`.'),
      no_concurrent_connects: param(
        'int',
        0,
        'Whether a request fails while another one is still connecting to the same server.',
      ),
      curl_conn_lifetime: param('int', 0, 'For how long a connection is used again; 0: while the server keeps it.', {
        unit: 's',
      }),
    },
    functions: {
      rest_get: { args: [url, ...received], routes: 'any', async: true, returns: RETURNS, doc: 'Asks with GET.' },
      rest_post: { args: withBody, routes: 'any', async: true, returns: RETURNS, doc: 'Sends a body with POST.' },
      rest_put: { args: withBody, routes: 'any', async: true, returns: RETURNS, doc: 'Sends a body with PUT.' },
      rest_append_hf: {
        args: [arg('header', 'str', '`Name: value`.')],
        routes: 'any',
        returns: '1; −1 it is no header',
        doc: 'Adds a header to the next request, and only to that one.',
      },
      rest_init_client_tls: {
        args: [arg('domain', 'str', 'Name of a TLS client domain of tls_mgm.')],
        routes: 'any',
        returns: '1; −1 there is no such domain',
        doc: 'Connects with this TLS domain in the next request, and only in that one.',
      },
    },
  },
  ({ host, params, clock, log, find }) => {
    let client: HttpClient | null = null
    const domain = (name: string) => find('tls_mgm')?.clientOptions(name)
    const open = async (): Promise<HttpClient> => {
      // A large library: only where a script loads the module.
      const { default: got } = await import('got')
      const tls = await tlsOptions({
        verifiesPeer: params.ssl_verifypeer !== 0,
        verifiesHost: params.ssl_verifyhost !== 0,
        caFolder: params.ssl_capath === undefined ? undefined : resolve(host.db.directory, params.ssl_capath),
      })
      return new HttpClient({
        got,
        clock,
        tls,
        domain,
        limits: {
          connectMs: params.connection_timeout * 1000,
          totalMs: params.curl_timeout * 1000,
          maxBytes: params.max_transfer_size * 1024,
          most: params.max_async_transfers,
          connectionLifetimeS: params.curl_conn_lifetime,
        },
        offersHttp2: HTTP_2.has(params.curl_http_version),
        connectsOnce: params.no_concurrent_connects !== 0,
        userAgent: host.instance.version.split(' ').slice(0, 2).join('/'),
      })
    }

    const ask = async (m: RouteContext, request: HttpRequest, out: Outputs): Promise<Verdict> => {
      if (client === null) throw new Error('the module has not been started')
      const outcome = await client.ask(request, m.timeLimit)
      if ('reason' in outcome) {
        log
          .often(URL.parse(request.url)?.host ?? '')
          .error('no reply from a web server', { url: safeUrl(request.url), reason: outcome.reason })
        out.code?.read(m).set(m, 0)
        return outcome.code
      }
      out.body.read(m).set(m, outcome.body)
      out.contentType?.read(m).set(m, outcome.contentType, outcome.contentType === null)
      out.code?.read(m).set(m, outcome.status)
      return outcome.code
    }
    const sending = (method: 'POST' | 'PUT'): SendingBuilder => {
      return (target, sent, sentType, body, contentType, code) => m => {
        const text = sent.read(m)
        const type = sentType?.read(m)
        const where = target.read(m)
        const { headers, tlsDomain } = takePrepared(m)
        const all: Record<string, string | string[]> = { 'content-type': FORM, ...headers }
        if (type !== undefined && type !== '') all['content-type'] = type
        if (params.enable_expect_100 !== 0 && Buffer.byteLength(text) > 1024) all['expect'] = '100-continue'
        return ask(m, { method, url: where, headers: all, body: text, tlsDomain }, { body, contentType, code })
      }
    }
    return {
      functions: {
        rest_get: (target, body, contentType, code) => m => {
          const where = target.read(m)
          const { headers, tlsDomain } = takePrepared(m)
          return ask(m, { method: 'GET', url: where, headers, body: null, tlsDomain }, { body, contentType, code })
        },
        rest_post: sending('POST'),
        rest_put: sending('PUT'),
        rest_append_hf: header => m => {
          try {
            appendHeader(m, header.read(m))
            return 1
          } catch (error) {
            if (!(error instanceof Error)) throw error
            log.error('not a header that can be appended', { reason: error.message })
            return -1
          }
        },
        rest_init_client_tls: name => m => {
          const wanted = name.read(m)
          if (domain(wanted) === undefined) {
            log.error('no such TLS client domain', { domain: wanted })
            return -1
          }
          useTlsDomain(m, wanted)
          return 1
        },
      },
      start: async () => {
        client = await open()
      },
      stop: () => client?.close(),
    }
  },
)

interface Outputs {
  readonly body: Arg<PvarRef>
  readonly contentType: Arg<PvarRef> | undefined
  readonly code: Arg<PvarRef> | undefined
}

type SendingBuilder = (
  target: Arg<string>,
  sent: Arg<string>,
  sentType: Arg<string> | undefined,
  body: Arg<PvarRef>,
  contentType: Arg<PvarRef> | undefined,
  code: Arg<PvarRef> | undefined,
) => Step

/** Without user, password and query: URLs are logged. */
const safeUrl = (text: string): string => text.replace(/\/\/[^/@]*@/, '//***@').replace(/\?.*$/s, '?…')
