// Runs one jszmq socket at a time for the tests. It reads these lines of JSON:
//   {"open": [TYPE, "bind" or "connect", ENDPOINT], "subscribe": [...]}, {"unsubscribe": TOPIC},
//   {"send": [FRAME, ...]}, {"close": true}
// It answers {"open": PORT} and {"close": true}, and prints {"message": [FRAME, ...]} for each
// message that arrives. A REP or ROUTER sends each message back in upper case. Frames are text in
// latin-1.
const jszmq = require('jszmq')
const readline = require('readline')

const say = word => console.log(JSON.stringify(word))
const bytes = text => Buffer.from(text, 'latin1')
const upper = frame => Buffer.from(frame.toString().toUpperCase())
let socket = null

function open(type, verb, endpoint, topics) {
    socket = jszmq.socket(type)
    socket.on('message', (...frames) => {
        say({ message: frames.map(frame => frame.toString('latin1')) })
        if (type === 'rep')
            socket.send(frames.map(upper))
        if (type === 'router')
            socket.send([frames[0], ...frames.slice(1).map(upper)])
    })
    socket[verb](endpoint)
    for (const topic of topics)
        type === 'sub' ? socket.subscribe(bytes(topic)) : socket.send(bytes('\x01' + topic))
    if (verb === 'connect')
        return say({ open: 0 })
    const server = socket.binds[0].server
    server.on('listening', () => say({ open: server.address().port }))
}

readline.createInterface({ input: process.stdin }).on('line', line => {
    const told = JSON.parse(line)
    if (told.open)
        open(...told.open, told.subscribe)
    if (told.send)
        socket.send(told.send.map(bytes))
    if (told.unsubscribe)
        socket.unsubscribe(bytes(told.unsubscribe))
    if (told.close) {
        socket.close()
        say({ close: true })
    }
})
