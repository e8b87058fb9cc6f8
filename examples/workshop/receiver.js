// Prints what a proxy tells it by XML-RPC: the name of the method, then the values.
//
//   node receiver.js [PORT]

import { createServer } from 'node:http'

const port = Number(process.argv[2] ?? 8000)
const OK =
  '<?xml version="1.0"?><methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>'

const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', text => {
    body += text
  })
  request.on('end', () => {
    const [, method] = /<methodName>(.*?)<\/methodName>/.exec(body) ?? []
    const values = [...body.matchAll(/<(string|int|i4|i8)>(.*?)<\/\1>/gs)].map(([, , value]) => value)
    console.log([method, ...values].join(' '))
    response.writeHead(200, { 'Content-Type': 'text/xml' }).end(OK)
  })
})
server.listen(port, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`))
