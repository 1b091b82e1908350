# %% locked="setup"
import shapes

from utils import check


# %% solution="area"
def area(width, height):
    """Area of a rectangle."""
    ### BEGIN SOLUTION
    return width * height
    ### END SOLUTION


# %% check="area" points=3
check("area", area)

# %% solution="units"
units = None
### BEGIN SOLUTION
units = shapes.units_of("area")
### END SOLUTION

# %% check="units" points=1
check("units", units)
