// A jszmq socket for the tests: node jszmq_peer.js TYPE bind|connect ENDPOINT
// Prints each message as a line of JSON, and sends each line of JSON that it is told.
const jszmq = require('jszmq')
const readline = require('readline')

const [type, verb, endpoint] = process.argv.slice(2)
const socket = jszmq.socket(type)

socket.on('message', (...frames) => {
    console.log(JSON.stringify(frames.map(frame => frame.toString('latin1'))))
    if (type === 'rep')
        socket.send(frames.map(frame => frame.toString().toUpperCase()))
    if (type === 'router')
        socket.send([frames[0], ...frames.slice(1).map(frame => frame.toString().toUpperCase())])
})
socket[verb](endpoint)
if (type === 'sub')
    socket.subscribe('')
if (type === 'xsub')
    socket.send(Buffer.from([1]))
readline.createInterface({input: process.stdin}).on('line', line => socket.send(JSON.parse(line)))
console.log('ready')
