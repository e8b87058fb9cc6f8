import { createSocket } from 'node:dgram'

createSocket('udp4')
  .on('message', bytes => {
    const { method, params } = JSON.parse(bytes)
    console.log(method, params.aor, params.uri)
  })
  .bind(8081, '127.0.0.1')
