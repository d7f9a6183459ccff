"""Small rendered rooms with exact labels: the data used when no real dataset is at hand.

    render_room(0)                      # rooms.py: a random room, the same for the same seed
    render(scene, size=(64, 80))        # rendering.py: a scene of your own
    write_mini(Path("data"))            # datasets/: random rooms in the official folder layouts

Axes: x right, y up, z forward, in metres; the camera is at (0, height, 0). Arrays of points and directions are (3, N).
Colours and textures are drawn per surface with a mild preference per category: a probe has something to learn, but
colour alone does not tell.
"""
