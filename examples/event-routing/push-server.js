// Stands for the server that wakes phones: prints what it is asked.
//
//   node push-server.js [PORT]

import { createServer } from 'node:http'

const port = Number(process.argv[2] ?? 8090)

const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', text => {
    body += text
  })
  request.on('end', () => {
    console.log(`${request.method} ${request.url} ${body}`)
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"success":1}')
  })
})
server.listen(port, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`))
