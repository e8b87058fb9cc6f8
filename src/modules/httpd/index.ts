import { readFileSync } from 'node:fs'
import { parseAddressList } from '../../mi/doors/address-list.ts'
import { type HttpHandler, HttpListener, type HttpListenerOptions } from '../../mi/doors/http.ts'
import { defineModule, optionalParam, param, repeatedParam } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'
import { readUsers } from './users.ts'
import { httpdWarning } from './warning.ts'

/** What other modules do with the HTTP listener. */
export interface HttpdApi {
  /** Gives a module the requests under `/<root>`. Throws when another module has this root. */
  mount(root: string, module: string, handler: HttpHandler): void
  /** Where it listens; null before it has started. */
  readonly bound: { readonly address: string; readonly port: number } | null
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    httpd: HttpdApi
  }
}

const httpdParams = {
  ip: param('str', '127.0.0.1', 'Address to listen on; `*` or empty for all.'),
  port: param('int', 8888, 'TCP port to listen on; 0 for one the system chooses.'),
  conn_timeout: param('int', 30, 'A client must have sent its whole request by then.', { unit: 's' }),
  max_body_size: param('int', 10 * 1024 * 1024, 'Larger request bodies are answered 413.', { unit: 'bytes' }),
  auth_realm: param('str', 'OpenSIPS MI', 'Realm named when asking for a password.'),
  auth_username: optionalParam('str', 'User name to ask for (Basic authentication); needs auth_password too.'),
  auth_password: optionalParam('str', 'Password to ask for.'),
  user: repeatedParam(
    'str',
    'A user, `name:password` or `name:password:commands`; may be given many times. The commands are patterns such as ' +
      '`usrloc:*, evi:list, !core:kill`; without them the user may run all.',
  ),
  allow: optionalParam('str', 'Addresses and networks that are answered, `127.0.0.1, 10.0.0.0/8`; others get 403.'),
  tls_cert_file: optionalParam('str', 'PEM file of the certificate chain; with tls_key_file, turns HTTPS on.'),
  tls_key_file: optionalParam('str', 'PEM file of the private key.'),
  tls_ciphers: optionalParam('str', 'Cipher suites to offer, in the notation of OpenSSL.'),
  buf_size: param('int', 0, 'Buffers grow as needed.', { ignored: true }),
  post_buf_size: param('int', 1024, 'Buffers grow as needed.', { ignored: true }),
  receive_buf_size: param('int', 1024, 'Buffers grow as needed.', { ignored: true }),
} as const

/** The HTTP listener of management and metrics (httpd reference); other modules mount their roots on it. */
export default defineModule(
  {
    name: 'httpd',
    doc: 'Listens for HTTP requests and hands them to the modules that mount a root on it.',
    params: httpdParams,
    commands: {
      list_root_path: {
        args: [],
        doc: 'lists the roots that modules have mounted',
        aliases: ['httpd_list_root_path'],
      },
    },
  },
  ({ host, log, params }) => {
    const listener = new HttpListener(listenerOptions(params), log)
    let bound: HttpdApi['bound'] = null
    const api: HttpdApi = {
      mount: (root, module, handler) => listener.mount(root, module, handler),
      get bound() {
        return bound
      },
    }
    return {
      api,
      commands: {
        list_root_path: () => listener.roots().map(({ root, module }) => ({ http_root: root, module })),
      },
      warnings: () => [httpdWarning(params)].filter(warning => warning !== null),
      async start() {
        const warning = httpdWarning(params)
        if (warning !== null && host.settings.mi_require_auth !== 0)
          throw new Error(`${warning} (mi_require_auth is set)`)
        if (warning !== null) log.warn(warning)
        bound = await open(listener, params)
        log.info('HTTP listener open', bound)
        host.instance.addActivity(`HTTPD ${bound.address}:${bound.port}`)
      },
      stop: () => listener.close(),
    }
  },
)

type HttpdParams = ParamValues<typeof httpdParams>

async function open(listener: HttpListener, { ip, port }: HttpdParams) {
  try {
    return await listener.open()
  } catch (error) {
    throw new Error(`httpd cannot listen on ${ip || '*'} port ${port}: ${(error as Error).message}`, { cause: error })
  }
}

function listenerOptions(params: HttpdParams): HttpListenerOptions {
  if (params.port < 0 || params.port > 65535) throw new Error(`httpd: port is 0 to 65535, got ${params.port}`)
  const users = readUsers(params)
  return {
    host: params.ip,
    port: params.port,
    maxBodyBytes: params.max_body_size,
    receiveTimeoutMs: params.conn_timeout * 1000,
    allowed: parseAddressList(params.allow),
    credentials: users.length > 0 ? { realm: params.auth_realm, users } : undefined,
    tls: tlsFiles(params),
  }
}

function tlsFiles({ tls_cert_file: cert, tls_key_file: key, tls_ciphers: ciphers }: HttpdParams) {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) {
    throw new Error('httpd: tls_cert_file and tls_key_file go together, but only one of them is set')
  }
  return { cert: readFileSync(cert), key: readFileSync(key), ...(ciphers === undefined ? {} : { ciphers }) }
}
