import * as zmq from 'jszmq'

const place = new URLSearchParams(location.search)
const canvas = document.getElementById('wave').getContext('2d')
const values = []
let count = 0

const feed = zmq.socket('sub')
feed.connect(place.get('feed'))
feed.subscribe('wave')
feed.on('message', (topic, value) => {
    values.push(Number(value.toString()))
    if (values.length > 350)
        values.shift()
    document.getElementById('count').textContent = ++count
})

function draw() {
    canvas.clearRect(0, 0, 700, 190)
    canvas.beginPath()
    values.forEach((value, i) => canvas.lineTo(i * 2, 95 - value * 80))
    canvas.lineWidth = 3
    canvas.strokeStyle = '#2b6cb0'
    canvas.stroke()
    requestAnimationFrame(draw)
}
draw()

const ask = zmq.socket('req')
ask.connect(place.get('ask'))
ask.on('message', reply => document.getElementById('answer').textContent = reply.toString())
document.getElementById('form').addEventListener('submit', event => {
    event.preventDefault()
    ask.send(document.getElementById('question').value)
})
if (place.has('auto'))
    ask.send(document.getElementById('question').value)
